#!/usr/bin/env bash
# What the wire costs: the same requests straight to an Nginx and through the proxy, in turn, three rounds.
# Loopback only; ends by itself after about two minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

SECONDS_EACH=${SECONDS_EACH:-5}
ROUNDS=${ROUNDS:-3}

folder=$(mktemp -d)
chmod 755 "$folder"
nginx_pid=
cleanup() {
    exec 9>&- || true
    [ -z "$nginx_pid" ] || kill "$nginx_pid"
    wait
    rm -r "$folder"
}
trap cleanup EXIT

# An origin with a playlist of ten segments and a segment of 1 MB.
mkdir "$folder/media"
{
    printf '#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:100\n'
    for number in $(seq 100 109); do printf '#EXTINF:2.000000,\nsegment%06d.ts\n' "$number"; done
} >"$folder/media/stream.m3u8"
head -c 1000000 /dev/urandom >"$folder/media/segment.ts"
origin_port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$folder/nginx.conf" <<CONF
daemon off;
pid $folder/nginx.pid;
error_log stderr warn;
worker_processes 1;
events { worker_connections 4096; }
http {
    access_log off;
    sendfile on;
    keepalive_requests 1000000000;
    types { application/vnd.apple.mpegurl m3u8; video/mp2t ts; }
    client_body_temp_path $folder/body;
    proxy_temp_path $folder/proxy;
    fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi;
    scgi_temp_path $folder/scgi;
    server { listen 127.0.0.1:$origin_port; root $folder/media; }
}
CONF
PATH=$PATH:/usr/sbin
nginx -p "$folder" -c "$folder/nginx.conf" &
nginx_pid=$!

cargo build --quiet --release --locked -p swarm --example wire
mkfifo "$folder/stdin"
target/release/examples/wire <"$folder/stdin" >"$folder/wire.out" &
wire_pid=$!
exec 9>"$folder/stdin"
until [ "$(wc -l <"$folder/wire.out")" -ge 2 ]; do kill -0 "$wire_pid"; sleep 0.05; done
proxy=$(sed -n 1p "$folder/wire.out")
stamp=$(sed -n 2p "$folder/wire.out")

ticks() { awk '{ print $14 + $15 }' "/proc/$wire_pid/stat"; }

# measure NAME CONNECTIONS PATH: rows of requests/s, MB/s, latency p50 and p99 in ms, errors, CPU of the proxy.
measure() {
    local url=http://127.0.0.1:$origin_port$3
    for _ in $(seq "$ROUNDS"); do
        WIRE_URL=$3 WIRE_STAMP='' wrk -t1 -c"$2" -d"${SECONDS_EACH}s" -s bench/wire.lua "http://127.0.0.1:$origin_port" |
            tail -n 1 | awk -v name="$1, direct" '{ printf "%-34s %9s %9.1f %9s %9s %7s\n", name, $1, $2, $3, $4, $5 }'
        before=$(ticks)
        WIRE_URL=$url WIRE_STAMP=$stamp wrk -t1 -c"$2" -d"${SECONDS_EACH}s" -s bench/wire.lua "http://$proxy" |
            tail -n 1 >"$folder/row"
        awk -v name="$1, wire" -v cores="$(($(ticks) - before))" -v s="$SECONDS_EACH" \
            '{ printf "%-34s %9s %9.1f %9s %9s %7s   %.2f cores\n", name, $1, $2, $3, $4, $5, cores / 100 / s }' "$folder/row"
    done
}

printf '%-34s %9s %9s %9s %9s %7s   %s\n' '' 'req/s' 'MB/s' 'p50 ms' 'p99 ms' 'errors' 'CPU of the proxy'
measure 'playlist, 1 connection' 1 /stream.m3u8
measure 'playlist, 32 connections' 32 /stream.m3u8
measure 'segment of 1 MB, 1 connection' 1 /segment.ts
measure 'segment of 1 MB, 8 connections' 8 /segment.ts

# Memory of connections that have been used once and are kept.
WIRE_PROXY=$proxy WIRE_STAMP=$stamp WIRE_URL=http://127.0.0.1:$origin_port/stream.m3u8 WIRE_PID=$wire_pid python3 bench/idle.py
