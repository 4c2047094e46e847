#!/usr/bin/env bash
# What the origin's configuration costs: the same segment of the profile `stress` from test-origin and from a minimal
# configuration of the same Nginx, in turn. Loopback only; ends by itself after about a minute. Fails below 90 %.
set -euo pipefail
cd "$(dirname "$0")/.."

# Both sides in all rounds must take less time than a segment is kept: 64 s.
SECONDS_EACH=${SECONDS_EACH:-1}
ROUNDS=${ROUNDS:-20}
CONNECTIONS=${CONNECTIONS:-8}
LEAST_PERCENT=90

# In memory, as the profile is meant.
folder=$(mktemp -d -p /dev/shm)
mkdir "$folder/run"
chmod 755 "$folder"
pids=()
cleanup() {
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}"
    wait
    rm -r "$folder"
}
trap cleanup EXIT

cargo build --quiet --release --locked -p test-origin
target/release/test-origin --profile stress --port 0 --dir "$folder/run" >"$folder/url" 2>"$folder/said" &
pids+=($!)
until [ -s "$folder/url" ]; do
    kill -0 "${pids[0]}" || { cat "$folder/said"; exit 1; }
    sleep 0.1
done
url=$(cat "$folder/url")
origin=${url%/stream.m3u8}
segment=/$(curl --silent --fail "$url" | grep -v '^#' | tail -n 1)

# The same file for both.
media=$(echo "$folder"/run/test-origin-*/media)
[ -f "$media$segment" ] || { echo "there is no $media$segment"; exit 1; }

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$folder/nginx.conf" <<CONF
daemon off;
pid $folder/nginx.pid;
error_log stderr warn;
worker_processes auto;
events { worker_connections 4096; }
http {
    access_log off;
    sendfile on;
    client_body_temp_path $folder/body;
    proxy_temp_path $folder/proxy;
    fastcgi_temp_path $folder/fastcgi;
    uwsgi_temp_path $folder/uwsgi;
    scgi_temp_path $folder/scgi;
    server { listen 127.0.0.1:$port; root $media; }
}
CONF
PATH=$PATH:/usr/sbin
nginx -e stderr -p "$folder" -c "$folder/nginx.conf" &
pids+=($!)
minimal=http://127.0.0.1:$port
until curl --silent --fail --head "$minimal$segment" >/dev/null; do kill -0 "${pids[1]}"; sleep 0.1; done

# MB/s of one side; any error ends the bench.
measure() {
    WIRE_URL=$segment WIRE_STAMP='' wrk -t2 -c"$CONNECTIONS" -d"${SECONDS_EACH}s" --timeout 10s -s bench/wire.lua "$1" | tail -n 1 |
        awk '$5 != 0 { print "errors: " $5 > "/dev/stderr"; exit 1 } { printf "%.0f\n", $2 }'
}

printf '%d bytes, %d connections, %d s each\n' "$(stat --format %s "$media$segment")" "$CONNECTIONS" "$SECONDS_EACH"
printf '%-8s %16s %16s\n' round 'minimal MB/s' 'test-origin MB/s'
for round in $(seq "$ROUNDS"); do
    bare=$(measure "$minimal")
    ours=$(measure "$origin")
    printf '%-8s %16s %16s\n' "$round" "$bare" "$ours"
    echo "$bare $ours" >>"$folder/rounds"
done
# The median of the rounds: what else the machine does meets single ones.
awk '{ printf "%.1f\n", 100 * $2 / $1 }' "$folder/rounds" | sort --numeric-sort >"$folder/percent"
awk -v least=$LEAST_PERCENT '
    { percent[NR] = $1 }
    END {
        median = (percent[int((NR + 1) / 2)] + percent[int(NR / 2) + 1]) / 2
        printf "test-origin reaches %.1f %% of minimal\n", median
        exit median < least
    }
' "$folder/percent"
