#!/usr/bin/env bash
# First process of a host, in its own network, mount, process and host name namespaces: gives it files of its own, says
# "ready", and lives until its standard input ends. Then the kernel ends all other processes of the host.
#   host_init.sh NAME FOLDER HOSTS_FILE PROGRAM…
# FOLDER/tmp and FOLDER/log become /tmp and /var/log, so that what a scenario leaves there can be looked at afterwards.
set -euo pipefail
name=$1 folder=$2 hosts=$3
shift 3

hostname "$name"
ip link set lo up

# A new /run hides the sockets of this machine's services; programs come to a place that exists wherever they were built.
mount -t tmpfs -o mode=755 lab /run
mkdir -p /run/lab/bin /run/lab/media
for program in "$@"; do
    touch "/run/lab/bin/$(basename "$program")"
    mount --bind "$program" "/run/lab/bin/$(basename "$program")"
done
mount --bind "$LAB_MEDIA" /run/lab/media
mount -t tmpfs -o mode=1777 lab /dev/shm
# No name server: what is not in the file of hosts does not resolve, and says so at once.
echo >"$folder/resolv.conf"
resolv=$(realpath -m /etc/resolv.conf)
[ ! -e "$resolv" ] || mount --bind "$folder/resolv.conf" "$resolv"
mount --bind "$hosts" /etc/hosts
mount --bind "$folder/log" /var/log
mount --bind "$folder/tmp" /tmp

echo ready
# bash reaps whatever process of the host has lost its parent.
while read -r _; do :; done
