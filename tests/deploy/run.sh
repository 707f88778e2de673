#!/usr/bin/env bash
# Everything in systemd/, helm/ and deploy/, checked by the tools that will read it. `./dev deploy-test` calls this with
#   DOCTOR  the built program, or empty: what needs it is skipped
#   TOOLS   the folder of promtool and amtool        HELM  the helm program
# A check whose tool is missing is skipped and counted. The last line is "N passed, N failed, N skipped".
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
DOCTOR=${DOCTOR-}
PATH=$PATH:${TOOLS:-/usr/bin}
HELM=${HELM:-helm}
python=python3
"$python" -c 'import yaml' 2>/dev/null || python=/usr/bin/python3 # Debian's python3-yaml is for Debian's Python
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 143' TERM INT
passed=0 failed=0 skipped=0

# check WHAT COMMAND...: the program COMMAND begins with must exist, else the check is skipped.
check() {
  local what=$1 started=$SECONDS
  shift
  if [ -z "$1" ] || ! command -v "$1" >/dev/null; then
    skipped=$((skipped + 1))
    printf 'SKIPPED  %s (%s is not there)\n' "$what" "${1:-the built program}"
  elif "$@" >"$work/output" 2>&1 </dev/null; then
    passed=$((passed + 1))
    printf 'ok       %s (%s s)\n' "$what" $((SECONDS - started))
  else
    failed=$((failed + 1))
    printf 'FAILED   %s\n' "$what"
    sed 's/^/           /' "$work/output"
  fi
}

# ---- shell and YAML

check "shell scripts: shellcheck" shellcheck -x dev .ci/run deploy/build-image.sh tests/deploy/run.sh
check "examples: YAML, and every file they mention exists" "$python" tests/deploy/check_examples.py
check "rules and dashboards name only metrics that the agent has" "$python" tests/deploy/check_metric_names.py

# ---- Prometheus and Alertmanager

check "deploy/prometheus/scrape.yaml: promtool check config" promtool check config deploy/prometheus/scrape.yaml
check "deploy/prometheus/compose.yaml: promtool check config" promtool check config deploy/prometheus/compose.yaml
check "deploy/prometheus/rules.yaml: promtool check rules" promtool check rules deploy/prometheus/rules.yaml
check "deploy/prometheus/rules_test.yaml: promtool test rules" promtool test rules deploy/prometheus/rules_test.yaml
check "every alert has a firing and a silent test" "$python" tests/deploy/check_rule_tests.py
check "deploy/alertmanager/alertmanager.yaml: amtool check-config" amtool check-config deploy/alertmanager/alertmanager.yaml
check "a critical finding pages" amtool config routes test --config.file=deploy/alertmanager/alertmanager.yaml \
  --verify.receivers=page severity=critical detector=job_down
check "a warning becomes a ticket" amtool config routes test --config.file=deploy/alertmanager/alertmanager.yaml \
  --verify.receivers=ticket severity=warning detector=backpressure

# ---- systemd

# `verify` wants to see the program of ExecStart: any program will do for the unit's own sake.
program=${DOCTOR:-/bin/true}
unit_is_verified() { # systemd-analyze reports what it ignores and returns 0 all the same
  sed "s|^ExecStart=/usr/bin/flink-doctor|ExecStart=$program|" "systemd/$1" >"$work/$1"
  systemd-analyze verify --man=no "$work/$1" 2>&1 | tee "$work/verify"
  [ "${PIPESTATUS[0]}" -eq 0 ] && ! grep -F "$1" "$work/verify"
}
for unit in flink-doctor.service flink-doctor-probe.service; do
  if command -v systemd-analyze >/dev/null; then
    check "systemd/$unit: systemd-analyze verify" unit_is_verified $unit
  else
    check "systemd/$unit: systemd-analyze verify" systemd-analyze
  fi
  check "systemd/$unit: exposure at most 1.5" systemd-analyze security --offline=true --threshold=15 systemd/$unit
done
check "systemd/config.yaml is accepted" "$DOCTOR" config check systemd/config.yaml
if [ -n "$DOCTOR" ]; then
  check "starts as a service: READY, WATCHDOG, serves, ends on SIGTERM" \
    "$python" tests/deploy/check_daemon.py "$DOCTOR" "$(command -v promtool)"
else
  check "starts as a service" ""
fi

# ---- helm

chart=helm/flink-doctor
for values in "" deployment sidecar; do
  check "chart: helm lint --strict ${values:-with its own values}" \
    "$HELM" lint --strict ${values:+--values "$chart/ci/$values-values.yaml"} "$chart"
done
render() { # VALUES [ARG...]
  local values=$1; shift
  "$HELM" template doctor "$chart" --namespace streaming --values "$chart/ci/$values-values.yaml" "$@" >"$work/$values.yaml"
}
names_what_is_missing() {
  ! "$HELM" template doctor "$chart" >"$work/refused" 2>&1 && grep -F 'name at least one Flink cluster' "$work/refused"
}
knows_nothing_of_kubernetes() { # unless it is told to
  render deployment --set kubernetes.enabled=false && grep -F 'automountServiceAccountToken: false' "$work/deployment.yaml" &&
    ! grep -E '^kind: (Role|RoleBinding)$' "$work/deployment.yaml"
}
becomes_a_stateful_set() { # whose pods learn their shard from their names, each with a claim of its own
  render deployment --set shards=3 && "$python" tests/deploy/check_shards.py "$work/deployment.yaml" 3 &&
    ! render deployment --set shards=3,persistence.existingClaim=one
}
if command -v "$HELM" >/dev/null; then
  check "chart: shards" becomes_a_stateful_set
  check "chart: without kubernetes.enabled no token and no rights" knows_nothing_of_kubernetes
  check "chart: renders everything" render deployment
  check "chart: renders the sidecar alone" render sidecar
  check "chart: without a cluster it says what is missing" names_what_is_missing
  check "chart: what it renders is restricted, probed and consistent" \
    "$python" tests/deploy/check_chart.py "$work/deployment.yaml" "$work/sidecar.yaml" "$work"
  check "chart: the Deployment's configuration is accepted" "$DOCTOR" config check "$work/deployment-config.yaml"
  check "chart: the sidecar's configuration is accepted" "$DOCTOR" config check "$work/sidecar-config.yaml"
  check "chart: its PrometheusRule: promtool check rules" promtool check rules "$work/rules.yaml"
else
  for what in shards kubernetes renders sidecar refusal restricted configuration sidecar-configuration rules; do check "chart: $what" "$HELM"; done
fi

printf '%s passed, %s failed, %s skipped\n' $passed $failed $skipped
[ $failed -eq 0 ]
