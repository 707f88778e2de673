# Progress, failure, and children that end with us. Sourced by ./dev.
# shellcheck shell=bash

child= # process id of what runs now; negative when it leads a process group of its own

say() { printf '%s\n' "== $*"; }

# die WHAT-IS-WRONG [WHAT-TO-DO...]
die() {
  printf '%s\n' "./dev: $1" >&2
  shift
  if [ $# -gt 0 ]; then printf '       %s\n' "$@" >&2; fi
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Ctrl-C and SIGTERM: what runs below us is ended, and waited for, before we end.
ended() {
  trap '' INT TERM
  [ -z "$child" ] || end_child
  exit "$1"
}
trap 'ended 130' INT
trap 'ended 143' TERM

end_child() {
  local deadline=$((SECONDS + 30))
  kill -TERM -- "$child" 2>/dev/null || return 0
  while kill -0 -- "$child" 2>/dev/null; do
    wait "${child#-}" 2>/dev/null || true # a leader is reaped; the rest of its group is init's
    if ((SECONDS >= deadline)); then kill -KILL -- "$child" 2>/dev/null || true; return 0; fi
    sleep 0.2
  done
}

# contained COMMAND...: in a process group of its own, so that no grandchild outlives ./dev; never reads the terminal.
contained() {
  local code=0
  set -m
  "$@" </dev/null &
  child=-$!
  set +m
  wait "${child#-}" || code=$?
  child=
  return $code
}

# logged FILE COMMAND...: its output goes to the terminal and to FILE, to the last line even when everything is being ended.
logged() {
  local file=$1
  shift
  "$@" 2>&1 | (trap '' INT TERM; exec tee "$file")
}

# quietly WHAT COMMAND...: output goes to a log; a line every few seconds says how far it is; a failure shows the log's end.
# In our own process group, because sudo may have to ask the terminal for a password.
quietly() {
  local what=$1 started=$SECONDS log code=0
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1 &
  child=$!
  while kill -0 "$child" 2>/dev/null; do
    sleep 1
    if ((SECONDS > started && (SECONDS - started) % 15 == 0)); then
      printf '   %s: %s s  %s\n' "$what" $((SECONDS - started)) "$(tr '\r' '\n' <"$log" | tail -n 1 | cut -c 1-90)"
    fi
  done
  wait "$child" || code=$?
  child=
  if [ $code -ne 0 ]; then tail -n 30 "$log" >&2; fi
  rm -f "$log"
  [ $code -eq 0 ] || { printf '== %s: failed (code %s) after %s s\n' "$what" $code $((SECONDS - started)) >&2; return $code; }
  say "$what: $((SECONDS - started)) s"
}
