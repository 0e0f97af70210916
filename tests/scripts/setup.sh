#!/usr/bin/env bash
# Installs the Debian packages that building and testing need and that are missing. Does nothing where all is there.
set -euo pipefail

missing=()
need() { # need PACKAGE TEST…
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}
# Programs run without these; the tests of window and pages fail without them.
absent=()
want() { # want PACKAGE TEST…
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || absent+=("$package")
}

need build-essential command -v cc
need pkg-config command -v pkg-config
need libssl-dev pkg-config --exists openssl       # josekit (JWE), SQLCipher
need libwebkit2gtk-4.1-dev pkg-config --exists webkit2gtk-4.1 # the wallet's window
want webkit2gtk-driver command -v WebKitWebDriver  # drives the window in the tests
want xvfb command -v Xvfb                          # a display for the tests
want xauth command -v xauth
want chromium command -v chromium                  # the pages of counter and console in the tests
want nginx-light test -x /usr/sbin/nginx           # the reverse proxy of the tests
want fonts-nanum test -d /usr/share/fonts/truetype/nanum # 한자 (the pages bring their own 한글)
want dbus command -v dbus-run-session             # the keyring test's own session bus
want gnome-keyring command -v gnome-keyring-daemon # the keyring test's Secret Service

install() {
  if ! command -v apt-get >/dev/null; then
    echo "setup: no apt-get here; install the equivalents of: $*" >&2
    return 1
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "setup: run as root: apt-get install $*" >&2; return 1; }
    as_root=(sudo)
  fi
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -q &&
    "${as_root[@]}" apt-get install -y -q --no-install-recommends ca-certificates "$@"
}

if [ "${#missing[@]}" -gt 0 ] || [ "${#absent[@]}" -gt 0 ]; then
  echo "setup: missing: ${missing[*]} ${absent[*]}"
  if ! install "${missing[@]}" "${absent[@]}"; then
    # All at once is the quick way; where a package for the windows cannot be had, the others still can.
    [ "${#missing[@]}" -eq 0 ] || install "${missing[@]}" || exit 1
    echo "setup: without ${absent[*]} the tests of window and pages will fail; all else works" >&2
  fi
fi

command -v cargo >/dev/null || { echo "setup: Rust is missing: see https://rustup.rs" >&2; exit 1; }
command -v npm >/dev/null || { echo "setup: Node.js 20 or newer is missing: see https://nodejs.org" >&2; exit 1; }
