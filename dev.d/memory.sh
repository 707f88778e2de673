# ./dev bench replay, ./dev bench restart: what remembering costs. Sourced by ./dev.
# shellcheck shell=bash

# build_bench TARGET...
build_bench() {
  install_for build
  configure release -DDOCTOR_TESTS=OFF -DDOCTOR_BENCH=ON && compile release "$@"
}

# How fast the recording of a drawn week is judged again.
bench_of_replay() {
  build_bench doctor_bench_replay && contained build/release/bench/doctor_bench_replay "$@"
}

# How soon after its start an agent with seven full days asks its cluster.
bench_of_restart() {
  # shellcheck disable=SC2154 # doctor is set by ./dev
  build_bench flink-doctor doctor_bench_store &&
    contained env PYTHONUNBUFFERED=1 python3 bench/disk/restart.py --doctor "$doctor" \
      --store build/release/bench/doctor_bench_store "$@"
}
