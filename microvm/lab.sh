#!/usr/bin/env bash
# Starts the machines of LAB_MACHINES (name=runner …), says where the pages of LAB_PAGES (name=URL …) are as soon as the
# stream plays, and takes everything down on Ctrl-C. Logs of the machines are in the folder that it names.
set -euo pipefail

# A machine boots in seconds; without KVM it takes minutes.
patience_s=600

folder=$(mktemp -d -t hls-lab.XXXXXX)
machines=()
take_down() {
    trap - EXIT
    echo "taking the lab down; its logs are in $folder"
    for pid in "${machines[@]}"; do
        if kill -TERM "$pid" 2>/dev/null; then
            # More than 128 is the signal that it was just sent.
            wait "$pid" || [ $? -gt 128 ] || echo "a machine failed while it ended: see $folder/*/console.log" >&2
        fi
    done
}
trap take_down EXIT
trap 'exit 0' INT TERM

for machine in $LAB_MACHINES; do
    name=${machine%%=*}
    mkdir "$folder/$name"
    # Its sockets are made where it starts; its console is no terminal, so that Ctrl-C is ours.
    (cd "$folder/$name" && exec "${machine#*=}" </dev/null >console.log 2>&1) &
    machines+=($!)
    echo "starting $name"
done

for page in $LAB_PAGES; do
    url=${page#*=}
    until curl --silent --output /dev/null --max-time 2 "$url"; do
        for pid in "${machines[@]}"; do
            if ! kill -0 "$pid" 2>/dev/null; then
                echo "a machine ended: see $folder/*/console.log" >&2
                exit 1
            fi
        done
        if [ "$SECONDS" -gt "$patience_s" ]; then
            echo "${page%%=*} does not answer on $url after $patience_s s: see $folder/*/console.log" >&2
            exit 1
        fi
        sleep 1
    done
    echo "${page%%=*}: $url"
done
echo "Ctrl-C takes it down"
wait "${machines[@]}"
