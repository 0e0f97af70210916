#!/usr/bin/env bash
# Installs the Debian packages that building and testing need and that are missing. Does nothing where all is there.
set -euo pipefail

missing=()
need() { # need PACKAGE TEST…
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}

need build-essential command -v cc
need pkg-config command -v pkg-config
need libssl-dev pkg-config --exists openssl       # josekit (JWE), SQLCipher
need libwebkit2gtk-4.1-dev pkg-config --exists webkit2gtk-4.1 # the wallet's window
need webkit2gtk-driver command -v WebKitWebDriver  # drives the window in the tests
need xvfb command -v Xvfb                          # a display for the tests
need xauth command -v xauth
need chromium command -v chromium                  # the pages of counter and console in the tests
need fonts-nanum test -d /usr/share/fonts/truetype/nanum # 한자 (the pages bring their own 한글)
need dbus command -v dbus-run-session             # the keyring test's own session bus
need gnome-keyring command -v gnome-keyring-daemon # the keyring test's Secret Service

if [ "${#missing[@]}" -gt 0 ]; then
  echo "setup: missing: ${missing[*]}"
  if ! command -v apt-get >/dev/null; then
    echo "setup: no apt-get here; install the equivalents of: ${missing[*]}" >&2
    exit 1
  fi
  as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "setup: run as root: apt-get install ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
  fi
  export DEBIAN_FRONTEND=noninteractive
  "${as_root[@]}" apt-get update -q
  "${as_root[@]}" apt-get install -y -q --no-install-recommends ca-certificates "${missing[@]}"
fi

command -v cargo >/dev/null || { echo "setup: Rust is missing: see https://rustup.rs" >&2; exit 1; }
command -v npm >/dev/null || { echo "setup: Node.js 20 or newer is missing: see https://nodejs.org" >&2; exit 1; }
