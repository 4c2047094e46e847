#!/usr/bin/env bash
# `microvm-network up` makes the bridge LAB_BRIDGE with the address LAB_HOST and one TAP interface per machine of
# LAB_INTERFACES (name:flag …), for the user who called sudo; `microvm-network down` removes them. Needs root.
set -euo pipefail

if [ "$(id -u)" -ne 0 ]; then
    echo "only root may make network interfaces: sudo $0 ${1:-up}" >&2
    exit 1
fi
case ${1:-} in
    up)
        ip link add "$LAB_BRIDGE" type bridge
        ip address add "$LAB_HOST" dev "$LAB_BRIDGE"
        ip link set "$LAB_BRIDGE" up
        for interface in $LAB_INTERFACES; do
            name=${interface%%:*}
            read -ra flags <<<"${interface:${#name}+1}"
            ip tuntap add name "$name" mode tap user "${SUDO_USER:-root}" vnet_hdr "${flags[@]}"
            ip link set "$name" master "$LAB_BRIDGE" up
        done
        ;;
    down)
        for interface in $LAB_INTERFACES "$LAB_BRIDGE"; do
            name=${interface%%:*}
            if ip link show "$name" >/dev/null 2>&1; then ip link delete "$name"; fi
        done
        ;;
    *)
        echo "usage: microvm-network up|down" >&2
        exit 2
        ;;
esac
