#!/usr/bin/env bash
# Ten viewers on a live stream that this machine serves, on free ports. Exits with the swarm's code. The programs are
# those in PATH.
set -euo pipefail

# The origin says its URL on stdout once the stream can really be played; if it cannot, the pipe just ends.
coproc ORIGIN { exec test-origin --port 0; }
origin=$ORIGIN_PID
stop_origin() {
    if kill -TERM "$origin" 2>/dev/null; then wait "$origin"; fi
}
trap stop_origin EXIT

if ! read -r url <&"${ORIGIN[0]}"; then
    wait "$origin"
fi
echo "The stream: $url (open it in a player, or in Safari or Chromium)"
swarm -clients 10 -duration 30s -metrics 127.0.0.1:0 "$url"
