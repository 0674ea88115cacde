# Shared by the scripts beside it: where the project is, how missing packages are installed, how long steps show that they
# live. Sourced, not run.
set -euo pipefail
# Each script begins with what it does and what it takes; chaos and bench have more to say than that.
case "${0##*/} ${1:-}" in
"chaos "* | "bench "*) ;;
*" -h" | *" --help")
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
  exit
  ;;
esac
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
[ -t 2 ] || say() { printf '==> %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# as_root COMMAND…: with sudo where that is needed.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# install_missing PACKAGE…: installs those Debian packages that aren't there, and says which.
install_missing() {
  local missing=() package log
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "install these first: ${missing[*]}"
  say "installing ${missing[*]}"
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "run as root, or do this first: apt-get install ${missing[*]}"
    sudo -v || die "apt-get needs sudo"
  fi
  log=$(mktemp)
  # The lists of a fresh machine may be missing or old; their update is tried once, when the first attempt fails.
  quietly "$log" apt_install "${missing[@]}" ||
    { quietly "$log" as_root apt-get update && quietly "$log" apt_install "${missing[@]}"; } || {
    cat "$log" >&2
    die "apt-get could not install ${missing[*]}"
  }
  rm -f "$log"
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# What the project itself is built with, wherever its scripts build it: all traits of Package.swift. (The Dockerfile has the image's.)
export BUILD_TRAITS=Brotli,Zstd,Command,TestPrograms
# Debug builds with the tests; every import must be of a declared dependency. Other flags would build all of it anew.
debug_flags=(--build-tests --explicit-target-dependency-import-check error)

# What every build needs: libevent, zlib, the libraries of the other codings, and a C library to compile against.
need_build_tools() {
  command -v swift >/dev/null || die "Swift 6.3 or later isn't on the PATH; https://www.swift.org/install/linux tells how to install it"
  install_missing libevent-dev zlib1g-dev libbrotli-dev libzstd-dev libyaml-dev libc6-dev pkg-config git ca-certificates
}

# quietly LOG COMMAND…: runs it with its output in LOG. On a terminal the latest line shows that it lives.
quietly() {
  local log=$1
  shift
  if [ -t 2 ]; then
    "$@" 2>&1 | tee "$log" | show_last_line
  else
    "$@" >"$log" 2>&1
  fi
}

show_last_line() {
  local line columns
  columns=$(tput cols 2>/dev/null || echo 80)
  while IFS= read -r line; do
    printf '\r\033[K%s' "${line:0:columns-1}" >&2
  done
  printf '\r\033[K' >&2
}

# build NAME ARGUMENT…: swift build with those traits, unless it is another package's. Leaves in `build_warnings` the warnings about the
# project's own files, and the imports that aren't declared in the manifest, which don't end a build; other packages' are their own business.
build() {
  local name=$1 log status=0 traits=(--traits "$BUILD_TRAITS")
  shift
  [[ " $* " != *" --package-path "* ]] || traits=()
  say "building $name"
  log=$(mktemp)
  quietly "$log" swift build "${traits[@]}" "$@" || status=$?
  build_warnings=$(grep -E "^$root/(Package\.swift|Sources/|Tests/).*[0-9]: warning:|^warning: '$(basename "${root,,}")':|imports another target" "$log" | sort -u || true)
  [ $status -eq 0 ] || grep -vE '^\[[0-9]+/[0-9]+\] ' "$log" >&2 || true
  rm -f "$log"
  return $status
}

# The shipped form of the server: Swift's libraries are part of the binary.
release_flags=(-c release --static-swift-stdlib)
