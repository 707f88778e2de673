# ./dev bench detection: how well the detectors judge, on clusters that were drawn. Sourced by ./dev.
# shellcheck shell=bash

# bench_detection [ARG...]: ARGS go to doctor_detection; see its --help. --short is the gate of CI, with the recorded JVMs.
bench_detection() {
  install_for build
  configure release -DDOCTOR_TESTS=OFF && compile release doctor_detection
  local gate=() recorded=() baseline=tests/detection/baseline.json argument
  for argument in "$@"; do
    if [ "$argument" = --short ]; then
      recorded=(--traces tests/detection/traces/recorded)
      if [ -e "$baseline" ]; then gate=(--baseline "$baseline"); else say "no $baseline: nothing to compare with"; fi
    fi
    case $argument in --baseline | --write-baseline) gate=(); break ;; esac
  done
  contained build/release/tests/detection/doctor_detection ${gate[@]+"${gate[@]}"} ${recorded[@]+"${recorded[@]}"} "$@"
}
