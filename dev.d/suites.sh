# ./dev test: every suite runs, whatever the one before it said, and one summary closes it. Sourced by ./dev.
# shellcheck shell=bash

passed=0 failed=0 skipped=0 # of the suite that runs
passed_all=0 failed_all=0 skipped_all=0
summary=()

test_everything() {
  local quick=
  case ${1-} in
    '') ;;
    --quick) quick=yes ;;
    *) die "test knows --quick, not '$1'" ;;
  esac
  exec </dev/null
  install_for build unit fmt deploy stores
  suite "format" check_format
  suite "unit and scenarios, ASan + UBSan" tests_under asan .
  suite "reader beside a real Prometheus" real_parser
  suite "release build" build_program_checked
  suite "unit file, chart, rules" deploy_checks
  suite "what a Prometheus already knows" real_stores
  suite "three shards, one Alertmanager" real_shards
  suite "hostile reporters" hostile_reporters
  suite "a killed process" killed_program
  suite "detection, a tenth" detection_gate
  suite "reader, instructions and allocations" parse_gate
  if [ -n "$quick" ]; then
    summary+=("$(printf '%-36s left out' 'real Flink')")
  else
    install_for flink
    suite "real Flink 1.20, short form" real_flink --versions 1.20 --form short
    suite "real Flink 2.2, two stories" real_flink --versions 2.2 --form short --only native,restart_loop
  fi
  close
}

# suite NAME COMMAND...: COMMAND leaves its counts in passed, failed and skipped.
suite() {
  local name=$1 started=$SECONDS code=0
  shift
  passed=0 failed=0 skipped=0
  say "suite: $name"
  "$@" || code=$?
  if [ $code -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
  summary+=("$(printf '%-36s %4s passed %3s failed %3s skipped %6s s' "$name" "$passed" "$failed" "$skipped" $((SECONDS - started)))")
  passed_all=$((passed_all + passed)) failed_all=$((failed_all + failed)) skipped_all=$((skipped_all + skipped))
}

close() {
  say "summary after $SECONDS s"
  printf '   %s\n' "${summary[@]}"
  local line="$passed_all passed, $failed_all failed"
  [ "$skipped_all" -eq 0 ] || line+=", $skipped_all skipped"
  printf '%s\n' "$line"
  [ "$failed_all" -eq 0 ]
}

# ---- the suites

check_format() {
  cpp_sources | xargs clang-format --dry-run -Werror || { say "./dev fmt puts it right"; return 1; }
  passed=1
}

tests_under() { build_tests "$1" && run_ctest "$1" "$2"; }

build_program_checked() {
  build_program && "$doctor" --version || return
  passed=1
  program_is_small
}

# Stripped, as it is installed. MB are 10^6 bytes.
program_is_small() {
  local stripped bytes bytes_max=6000000
  stripped=$(mktemp)
  strip -o "$stripped" "$doctor" && bytes=$(stat -c %s "$stripped")
  rm -f "$stripped"
  say "the stripped program: ${bytes:-unknown} bytes of at most $bytes_max"
  if [ "${bytes:-$((bytes_max + 1))}" -le "$bytes_max" ]; then passed=$((passed + 1)); else failed=1; return 1; fi
}

# run_ctest PRESET REGEX
run_ctest() {
  local report=$root/build/$1/ctest.xml code=0
  rm -f "$report"
  UBSAN_OPTIONS=print_stacktrace=1 TSAN_OPTIONS=halt_on_error=0:second_deadlock_stack=1 \
    contained ctest_in_brief --test-dir "build/$1" -R "$2" -j "$(nproc)" --timeout 300 --no-tests=error \
    --output-on-failure --output-junit "$report" || code=$?
  [ -e "$report" ] || return 1
  failed=$(junit failures "$report")
  skipped=$(junit skipped "$report")
  passed=$(($(junit tests "$report") - failed - skipped))
  return $code
}

# Failures in full, of the good ones every fiftieth.
ctest_in_brief() {
  fixed_addresses ctest "$@" 2>&1 |
    awk '/^ *Start +[0-9]+:/ {next} / Passed +[0-9.]+ sec/ && ++good % 50 {next} {print; fflush()}'
}

junit() { grep -m 1 -o "[[:space:]]$1=\"[0-9]*\"" "$2" | tr -dc 0-9; }

# Fails when the detectors judge worse than tests/detection/baseline.json says.
detection_gate() { bench_detection --short && passed=1; }

parse_gate() { bench_of_parser --gate; }

deploy_checks() {
  local program=
  [ ! -x "$doctor" ] || program=$doctor
  counted env DOCTOR="$program" TOOLS="$debs/usr/bin" HELM="$helm_bin" tests/deploy/run.sh
}

real_flink() {
  [ -x "$doctor" ] || { say "no program to try on a real Flink"; return 1; }
  counted env PYTHONUNBUFFERED=1 python3 tests/flink/run.py --doctor "$doctor" --out "$root/build/flink" \
    --alertmanager-bin "$debs/usr/bin/prometheus-alertmanager" --amtool "$debs/usr/bin/amtool" \
    --prometheus-bin "$debs/usr/bin/prometheus" --promtool "$debs/usr/bin/promtool" \
    --victoria-metrics-bin "$debs/usr/bin/victoria-metrics" --nginx-bin "$debs/usr/sbin/nginx" "$@"
}

# What a real Prometheus scrapes and what our reader makes of the same bodies; about half a minute. The reader is built with the
# tests.
real_parser() {
  local dump=$root/build/asan/tests/doctor_exposition_dump
  [ -x "$dump" ] || { say "no reader to compare with Prometheus"; return 1; }
  counted fixed_addresses env PYTHONUNBUFFERED=1 python3 tests/exposition/run.py --dump "$dump" \
    --prometheus "$debs/usr/bin/prometheus" "$@"
}

# Two days of a leak in a real Prometheus and a real VictoriaMetrics; about half a minute.
real_stores() {
  [ -x "$doctor" ] || { say "no program to try with real stores"; return 1; }
  counted env PYTHONUNBUFFERED=1 python3 tests/backfill/run.py --doctor "$doctor" --prometheus "$debs/usr/bin/prometheus" \
    --promtool "$debs/usr/bin/promtool" --victoria-metrics "$debs/usr/bin/victoria-metrics" "$@"
}

real_shards() {
  [ -x "$doctor" ] || { say "no program to try in shards"; return 1; }
  counted env PYTHONUNBUFFERED=1 python3 tests/shards/run.py --doctor "$doctor" \
    --alertmanager "$debs/usr/bin/prometheus-alertmanager" "$@"
}

# Bodies of a gigabyte and more on loopback; about three quarters of a minute.
hostile_reporters() {
  [ -x "$doctor" ] || { say "no program to send bad answers to"; return 1; }
  counted env PYTHONUNBUFFERED=1 python3 tests/hostile/run.py --doctor "$doctor" "$@"
}

killed_program() {
  [ -x "$doctor" ] || { say "no program to kill"; return 1; }
  counted env PYTHONUNBUFFERED=1 python3 tests/history/run.py --doctor "$doctor" "$@"
}

# The leader of two JobManagers killed twice, then both; about four minutes.
real_failover() {
  [ -x "$doctor" ] || { say "no program to try at a failover"; return 1; }
  counted env PYTHONUNBUFFERED=1 python3 tests/ha/run.py --doctor "$doctor" \
    --alertmanager "$debs/usr/bin/prometheus-alertmanager" --amtool "$debs/usr/bin/amtool" "$@"
}

# The probe and the judge that reads it, beside what the machine says itself; about four minutes.
real_probe() {
  [ -x "$doctor" ] || { say "no program to try as a probe"; return 1; }
  counted env PYTHONUNBUFFERED=1 python3 tests/probe/run.py --doctor "$doctor" --promtool "$debs/usr/bin/promtool" "$@"
}

real_kubernetes() {
  [ -x "$doctor" ] || { say "no program to try on a real Kubernetes"; return 1; }
  [ -x "$kube_apiserver_bin" ] && [ -x "$helm_bin" ] || { say "no kube-apiserver or helm: left out"; skipped=1; return 0; }
  rm -rf build/kubernetes
  counted env PYTHONUNBUFFERED=1 python3 tests/kubernetes/run.py --doctor "$doctor" --keep "$root/build/kubernetes" \
    --etcd "$etcd_bin" --kube-apiserver "$kube_apiserver_bin" --helm "$helm_bin" "$@"
}

# counted COMMAND...: takes the counts from its closing line "N passed, N failed[, N skipped]"; without one, from the sum of
# the lines that end so.
counted() {
  local log code=0 line
  log=$(mktemp)
  contained logged "$log" "$@" || code=$?
  while read -r line; do
    [[ $line =~ ([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]] || continue
    if [ "${BASH_REMATCH[0]}" = "$line" ]; then passed=0 failed=0 skipped=0; fi
    passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2])) skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
  done <"$log"
  rm -f "$log"
  return $code
}
