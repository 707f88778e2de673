# What each verb needs, from Debian's packages and Go's modules. Sourced by ./dev.
# Nothing is started as a service: Prometheus and Alertmanager are unpacked into the cache, not installed.
# shellcheck shell=bash

declare -A packages=(
  [build]="g++ cmake ninja-build ccache pkg-config libboost1.81-dev nlohmann-json3-dev prometheus-cpp-dev
    libspdlog-dev libyaml-cpp-dev libcli11-dev libsqlite3-dev zlib1g-dev libisal-dev libzstd-dev libssl-dev"
  [unit]="libgtest-dev libgmock-dev python3 python3-prometheus-client" # the last: a reader to compare ours with
  [fmt]="clang-format"
  [lint]="clang-tidy"
  [flink]="python3 python3-pip openjdk-17-jdk-headless procps openssl ca-certificates"
  [deploy]="systemd shellcheck python3-yaml ca-certificates"
  [image]="buildah mmdebstrap ca-certificates"
  [kubernetes]="python3 openssl ca-certificates"
  [bench]="python3 ca-certificates"
  [stores]="python3 ca-certificates" # the real Prometheus, VictoriaMetrics and Alertmanager
)
debs=$cache/debs
helm_bin=$cache/bin/helm
etcd_bin=$cache/bin/etcd
kube_apiserver_bin=$cache/bin/kube-apiserver

# install_for PART...: build unit fmt lint flink deploy image kubernetes bench stores, or everything
install_for() {
  local part names wanted=()
  # Not kubernetes: its API server is 20 minutes of building that one verb needs.
  [ "$1" != everything ] || set -- build unit fmt lint flink deploy image stores
  for part in "$@"; do
    read -r -d '' -a names <<<"${packages[$part]}" || true
    wanted+=("${names[@]}")
  done
  install_packages "${wanted[@]}"
  for part in "$@"; do
    case $part in
      flink) unpack_monitoring ;;
      bench | stores) unpack_monitoring; unpack_victoria_metrics ;;
      deploy) unpack_monitoring; install_helm || true ;;
      kubernetes) install_etcd; install_helm || true; install_kube_apiserver || true ;;
    esac
  done
}

install_packages() {
  local package missing=()
  for package in "$@"; do
    installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  have apt-get || die "these Debian packages are missing and there is no apt-get: ${missing[*]}" \
    "flink-doctor is built on Debian 12; on another system install their counterparts and make apt-get unnecessary."
  say "to install: ${missing[*]}"
  quietly "apt-get update" as_root apt-get update -q || no_network
  quietly "apt-get install" as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "${missing[@]}" || no_network
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# An apt-get that ./dev has to leave behind finishes by itself: half-configured packages are worse than a late one.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif have sudo; then
    sudo "$@"
  else
    echo "not root, and there is no sudo: run this as root once: ./dev setup" >&2
    return 1
  fi
}

no_network() {
  die "Debian packages could not be installed; apt-get's own words are above." \
    "Without a network or a mirror: see /etc/apt/sources.list*. Without rights: run ./dev setup as root, once."
}

# prometheus, promtool, prometheus-alertmanager, amtool and nginx as plain files under $debs/usr.
unpack_monitoring() {
  [ -x "$debs/usr/sbin/nginx" ] || unpack_debs # the last that was added to the list
  # Debian's Alertmanager looks for its templates in this one place.
  local templates=/usr/share/prometheus/alertmanager
  if [ ! -e "$templates/default.tmpl" ]; then
    as_root mkdir -p "$templates"
    as_root cp -r "$debs$templates/." "$templates/"
  fi
}

unpack_debs() {
  mkdir -p "$debs"
  quietly "download Prometheus, Alertmanager and nginx" download_debs || no_network
  local deb
  for deb in "$debs"/*.deb; do dpkg-deb -x "$deb" "$debs"; done
  rm -f "$debs"/*.deb
}

download_debs() {
  cd "$debs" || return
  apt-get download prometheus prometheus-alertmanager nginx ||
    { as_root apt-get update -q && apt-get download prometheus prometheus-alertmanager nginx; }
}

unpack_victoria_metrics() {
  [ ! -x "$debs/usr/bin/vmalert" ] || return 0
  quietly "download VictoriaMetrics" download_victoria_metrics || no_network
  local deb
  for deb in "$debs"/victoria-metrics_*.deb; do dpkg-deb -x "$deb" "$debs"; done
  rm -f "$debs"/victoria-metrics_*.deb
}

download_victoria_metrics() {
  cd "$debs" || return
  apt-get download victoria-metrics || { as_root apt-get update -q && apt-get download victoria-metrics; }
}

# Helm comes as a Go module. Debian's own Go 1.19 builds 3.11, a present one 3.16. Not to have it is no failure: the
# checks of the chart are then skipped, and counted as skipped.
install_helm() {
  [ ! -x "$helm_bin" ] || return 0
  have go || [ -x /usr/local/go/bin/go ] || install_packages golang-go
  PATH=$PATH:/usr/local/go/bin
  local version=v3.16.4
  case $(go env GOVERSION 2>/dev/null) in
    go1.19* | go1.20* | go1.21*) version=v3.11.3 ;;
    go1.*) ;;
    *) return 1 ;;
  esac
  mkdir -p "${helm_bin%/*}"
  build_helm "$version" || build_helm "$version" # what was downloaded the first time is not downloaded again
}

build_helm() {
  quietly "build helm $1 (some minutes, once)" env GOBIN="${helm_bin%/*}" GOFLAGS= \
    go install -ldflags='-s -w' "helm.sh/helm/v3/cmd/helm@$1"
}

# etcd as a plain file: the package would start a service.
install_etcd() {
  [ ! -x "$etcd_bin" ] || return 0
  mkdir -p "${etcd_bin%/*}" "$cache/etcd"
  quietly "download etcd" download_etcd || no_network
  dpkg-deb -x "$cache"/etcd/etcd-server_*.deb "$cache/etcd"
  cp "$cache/etcd/usr/bin/etcd" "$etcd_bin"
  rm -rf "$cache/etcd"
}

download_etcd() {
  cd "$cache/etcd" || return
  apt-get download etcd-server || { as_root apt-get update -q && apt-get download etcd-server; }
}

# A Prometheus newer than Debian's, as a Go module: install_prometheus v0.315.0 is 3.15, under $cache/bin.
install_prometheus() {
  local program=$cache/bin/prometheus-$1
  [ ! -x "$program" ] || return 0
  PATH=$PATH:/usr/local/go/bin
  have go || die "Prometheus $1 needs a present Go to be built; --newest takes a program's path, too"
  quietly "build Prometheus $1 (10 minutes, once)" build_prometheus "$1" "$program"
}

build_prometheus() {
  local module=github.com/prometheus/prometheus folder
  folder=$(mktemp -d) && cd "$folder" || return
  go mod init scratch && go get -tool "$module/cmd/prometheus@$1" &&
    go build -ldflags="-X github.com/prometheus/common/version.Version=3.${1#v0.3}" -o "$2" "$module/cmd/prometheus" && rm -rf "$folder"
}

# The API server comes as a Go module whose staging modules have versions of their own. Go 1.25 or later builds it, which
# Debian 12 does not have: without it what needs the API server is left out, and says so.
install_kube_apiserver() {
  [ ! -x "$kube_apiserver_bin" ] || return 0
  PATH=$PATH:/usr/local/go/bin
  have go || { say "kube-apiserver needs Go 1.25 or later to be built"; return 1; }
  quietly "build kube-apiserver (20 minutes, once)" build_kube_apiserver
}

build_kube_apiserver() {
  local module=k8s.io/kubernetes version=1.35.0 folder source
  folder=$(mktemp -d) && cd "$folder" || return
  export GOFLAGS=-mod=mod
  go mod init scratch && source=$(go mod download -json "$module@v$version" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p') || return
  sed -n 's#^[[:space:]]*\(k8s.io/[a-z0-9-]*\) => ./staging.*#\1#p' "$source/go.mod" | while read -r staged; do
    go mod edit -replace "$staged=$staged@v0.${version#1.}"
  done
  go mod edit -require "$module@v$version" &&
    go build -ldflags="-s -w -X k8s.io/component-base/version.gitVersion=v$version" -o "$kube_apiserver_bin" \
      "$module/cmd/kube-apiserver" && rm -rf "$folder"
}
