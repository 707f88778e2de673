# ./dev bench: what the program costs. Each bench compares within one run; nothing is gated on a clock. Sourced by ./dev.
# shellcheck shell=bash

# shellcheck disable=SC2154 # root is set by ./dev
bench_parse=$root/build/release/bench/doctor_bench_parse

bench() {
  local what=${1-}
  [ $# -eq 0 ] || shift
  case $what in
    parse) bench_of_parser "$@" ;;
    scale) bench_of_scale "$@" ;;
    memory) bench_of_memory "$@" ;;
    serve) bench_of_serve "$@" ;;
    disk) bench_of_disk "$@" ;;
    latency) bench_of_latency "$@" ;;
    replay) bench_of_replay "$@" ;;
    restart) bench_of_restart "$@" ;;
    detection) bench_detection "$@" ;;
    *) die "bench knows parse, scale, memory, serve, disk, latency, replay, restart and detection, not '$what'" ;;
  esac
}

bench_of_parser() {
  install_for build
  configure release -DDOCTOR_TESTS=OFF -DDOCTOR_BENCH=ON && compile release doctor_bench_parse || return
  case ${1-} in
    '') contained "$bench_parse" ;;
    --gate) install_packages valgrind; gate_of_parser ;;
    *) die "bench parse knows --gate, not '$1'" ;;
  esac
}

# Beside Prometheus and VictoriaMetrics, as Debian packages them; --newest v0.315.0 builds Prometheus 3.15 first.
bench_of_scale() {
  local arguments=() newest
  while [ $# -gt 0 ]; do
    case $1:${2-} in
      --newest:v*)
        install_prometheus "$2"
        newest=$cache/bin/prometheus-$2
        arguments+=(--newest "$newest") && shift 2
        ;;
      *) arguments+=("$1") && shift ;;
    esac
  done
  bench_beside_peers scale --alertmanager "$debs/usr/bin/prometheus-alertmanager" --vmagent "$debs/usr/bin/vmagent" \
    --victoria-metrics "$debs/usr/bin/victoria-metrics" --vmalert "$debs/usr/bin/vmalert" \
    --scraper build/release/bench/doctor_bench_scraper ${arguments[@]+"${arguments[@]}"}
}
bench_of_memory() { bench_beside_peers memory "$@"; }
bench_of_serve() { bench_beside_peers serve --reader build/release/bench/doctor_bench_reader "$@"; }

# bench_beside_peers NAME ARGS: bench/NAME/NAME.py
bench_beside_peers() {
  local name=$1; shift
  install_for build bench
  configure release -DDOCTOR_TESTS=OFF -DDOCTOR_BENCH=ON &&
    compile release flink-doctor doctor_bench_generator doctor_bench_reader doctor_bench_scraper || return
  contained env PYTHONUNBUFFERED=1 python3 "bench/$name/$name.py" --doctor "$doctor" \
    --generator build/release/bench/doctor_bench_generator --prometheus "$debs/usr/bin/prometheus" "$@"
}

# The history's size beside VictoriaMetrics, given the same samples.
bench_of_disk() {
  install_for build bench
  configure release -DDOCTOR_TESTS=OFF -DDOCTOR_BENCH=ON && compile release doctor_bench_disk || return
  contained env PYTHONUNBUFFERED=1 python3 bench/disk/disk.py --bench build/release/bench/doctor_bench_disk \
    --victoria-metrics "$debs/usr/bin/victoria-metrics" "$@"
}

bench_of_latency() {
  install_for build bench
  build_program && contained env PYTHONUNBUFFERED=1 python3 bench/latency/latency.py --doctor "$doctor" \
    --prometheus "$debs/usr/bin/prometheus" "$@"
}

# What one sample and one exchange may cost; bench/README.md says how they were set.
gate_of_parser() {
  passed=0 failed=0
  local way lines limit
  while read -r way lines limit; do
    [ -z "$way" ] || gate "$way, lines of $lines bytes: instructions per sample" \
      "$(instructions_per_sample "${way/_/ }" "$lines")" "$limit"
  done <"$root/bench/parse_instructions.txt"
  while read -r way series calls; do
    gate "$way, $series series: allocations" "$calls" "$(allocations_max "$way")"
  done < <("$bench_parse" --allocations | sed 's/full labels/full_labels/')
  printf '%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ]
}

# Whatever the number of series: the begin of the body, the reader's name and partial line, and the batch's values.
# Reading all labels is what the first scrape does. An exchange over a kept connection is the GET that brings a body.
allocations_max() {
  case $1 in
    full_labels) echo 12 ;;
    exchange) echo 20 ;;
    *) echo 4 ;;
  esac
}

# gate WHAT MEASURED LIMIT
gate() {
  local verdict=ok
  if [ -n "$2" ] && [ "$2" -le "$3" ]; then passed=$((passed + 1)); else verdict=FAILED failed=$((failed + 1)); fi
  printf '   %-60s %6s of at most %5s  %s\n' "$1" "${2:-none}" "$3" "$verdict"
}

# instructions_per_sample WAY LINE-BYTES: the difference of two runs, so that what both do once does not count.
instructions_per_sample() {
  local few many
  few=$(instructions_of "$1" 1 "$2") && many=$(instructions_of "$1" 5 "$2") || return 0
  echo $(((many - few) / 4 / 5000))
}

instructions_of() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$bench_parse" --work "$1" "$2" "$3" 2>&1 |
    awk '/Collected/ {print $NF; found = 1} END {exit !found}'
}
