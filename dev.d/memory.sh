# ./dev bench replay: how fast a recorded week is judged again. Sourced by ./dev.
# shellcheck shell=bash

bench_of_replay() {
  install_for build
  configure release -DDOCTOR_TESTS=OFF -DDOCTOR_BENCH=ON && compile release doctor_bench_replay || return
  contained build/release/bench/doctor_bench_replay "$@"
}
