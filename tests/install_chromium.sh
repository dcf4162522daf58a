#!/bin/sh
# The browser tests drive Debian's Chromium; Korean text needs a font.
# Where it cannot be installed the tests themselves fail and say so.
set -u
command -v chromium >/dev/null && [ -n "$(fc-list :lang=ko 2>/dev/null)" ] && exit 0
command -v apt-get >/dev/null || { echo "No apt-get here: install Chromium by hand, or name it in CHROMIUM." >&2; exit 0; }
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo -n"
echo "Installing Chromium for the browser tests ..."
log=$(mktemp)
{ $as_root apt-get update && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    chromium fontconfig fonts-noto-cjk fonts-noto-color-emoji; } >"$log" 2>&1 \
  || { echo "Chromium could not be installed:" >&2; tail -n 5 "$log" >&2; }
rm -f "$log"
exit 0
