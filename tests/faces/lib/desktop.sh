#!/bin/sh
# Runs a display, a keyring and a WebDriver for the wallet's window, all in this session bus; says `ready: DISPLAY PORT` and
# ends them when standard input closes. Called as `dbus-run-session -- desktop.sh PORT [keyring]` with folders of its own.
set -u
port=$1
children=
finish() {
  for child in $children; do kill "$child" 2>/dev/null; done
  wait
}
trap finish EXIT
trap 'exit 1' TERM INT HUP

Xvfb -displayfd 3 -screen 0 1280x1024x24 -nolisten tcp -noreset 3>"$HOME/display" 2>/dev/null </dev/null &
children="$children $!"
if [ "${2:-}" = keyring ]; then
  printf %s login-password | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null 2>&1 &
  children="$children $!"
  n=0
  until dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
    string:org.freedesktop.secrets 2>/dev/null | grep -q 'boolean true'; do
    n=$((n + 1)); [ $n -lt 300 ] || { echo 'no Secret Service'; exit 99; }; sleep 0.1
  done
fi
n=0
until [ -s "$HOME/display" ]; do
  n=$((n + 1)); [ $n -lt 300 ] || { echo 'no display'; exit 99; }; sleep 0.1
done
DISPLAY=":$(cat "$HOME/display")"
export DISPLAY
WebKitWebDriver --host=127.0.0.1 --port="$port" </dev/null >"$HOME/webdriver.log" 2>&1 &
children="$children $!"
echo "ready: $DISPLAY $DBUS_SESSION_BUS_ADDRESS"
while read -r _; do :; done
