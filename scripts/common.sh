# Shared by the scripts beside it: where the project is, and how missing packages are installed. Sourced, not run.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf '\033[1m==> %s\033[0m\n' "$*" >&2; }
[ -t 2 ] || say() { printf '==> %s\n' "$*" >&2; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

# install_missing PACKAGE…: installs those Debian packages that aren't there, and says which.
install_missing() {
  local missing=()
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "install these first: ${missing[*]}"
  local sudo=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || die "run as root, or install these first: apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  say "installing ${missing[*]}"
  # The lists of a fresh machine may be missing or old; their update is tried once, when the first attempt fails.
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
    { "${sudo[@]}" apt-get update -qq &&
      "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null; } ||
    die "apt-get could not install ${missing[*]}"
}

# What every build needs: libevent, and a C library to compile against.
need_build_tools() {
  command -v swift >/dev/null || die "Swift 6.2 or later isn't on the PATH; https://www.swift.org/install/linux tells how to install it"
  install_missing libevent-dev libc6-dev pkg-config git ca-certificates
}

# build NAME ARGUMENT…: swift build with its progress on a terminal, and only warnings and errors elsewhere.
build() {
  local name=$1
  shift
  say "building $name"
  if [ -t 1 ]; then
    swift build "$@"
  else
    local log
    log=$(mktemp)
    if swift build "$@" >"$log" 2>&1; then
      grep -E '(warning|error):' "$log" | sort -u || true
      rm -f "$log"
    else
      cat "$log"
      rm -f "$log"
      return 1
    fi
  fi
}

# The shipped form of the server: Swift's libraries are part of the binary.
release_flags=(-c release --static-swift-stdlib)
