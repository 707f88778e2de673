#!/usr/bin/env bash
# Builds the container image from build/release/flink-doctor with buildah, tries it and prints its size.
# Needs no daemon; where no registry can be reached, the base is made from Debian's packages. `./dev image` calls this.
#   deploy/build-image.sh [NAME]          default flink-doctor:latest
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
name=${1:-flink-doctor:latest}
base=docker.io/library/debian:12-slim
own_base=localhost/flink-doctor-base:bookworm
work=$(mktemp -d)
container=
finish() {
  if [ -n "$container" ]; then b rm "$container" >/dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 143' TERM INT

b() { buildah --storage-driver vfs "$@"; }

[ -x build/release/flink-doctor ] || { echo "build/release/flink-doctor is missing: ./dev build" >&2; exit 1; }

if b inspect --type image "$own_base" >/dev/null 2>&1; then
  base=$own_base
elif ! timeout 60 buildah --storage-driver vfs pull -q "$base" >/dev/null 2>"$work/pull"; then
  echo "== no registry ($(tail -n 1 "$work/pull" | cut -c 1-100)): the base is made with mmdebstrap"
  mmdebstrap --variant=minbase --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' bookworm "$work/base.tar"
  container=$(b from scratch)
  b add -q "$container" "$work/base.tar" / >/dev/null
  b commit -q "$container" "$own_base" >/dev/null
  b rm "$container" >/dev/null
  container=
  base=$own_base
fi

echo "== build $name from $base"
b bud --isolation chroot --pull-never --build-arg BASE="$base" --build-arg PROGRAM=prebuilt -t "$name" -f deploy/Dockerfile .

echo "== try $name"
container=$(b from --pull-never "$name")
b run --isolation chroot "$container" -- /usr/bin/flink-doctor --version
b run --isolation chroot "$container" -- /usr/bin/flink-doctor detectors
code=0
# shellcheck disable=SC2016  # meant for the shell inside
b run --isolation chroot "$container" -- sh -c '[ "$(id -u)" = 65532 ] && [ -w /var/lib/flink-doctor ] && ! [ -w /etc/flink-doctor ]' || code=$?
[ $code -eq 0 ] || { echo "the image does not run as user 65532 with a data directory of its own" >&2; exit 1; }
b images "$name"
