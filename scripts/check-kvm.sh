#!/usr/bin/env bash
# Can virtual machines run here at full speed? Says everything that is missing and what to do about it; exit code 1 then.
# `check-kvm.sh [DEVICE [CPUINFO]]`: other files than the kernel's, for tests.
set -euo pipefail

device=${1:-/dev/kvm}
cpuinfo=${2:-/proc/cpuinfo}
missing=0
complain() {
    echo "$1" >&2
    missing=1
}

# Arm tells it nowhere but by the device.
if [ "$(uname -m)" = x86_64 ] && ! grep -Eqw 'vmx|svm' "$cpuinfo"; then
    complain "the CPU offers no virtualization: switch on VT-x or AMD-V in the firmware; in a cloud choose a machine with nested virtualization"
fi
if ! [ -e "$device" ]; then
    complain "$device is not there: load its module (sudo modprobe kvm_intel, or kvm_amd)"
elif ! [ -r "$device" ] || ! [ -w "$device" ]; then
    complain "$device is closed to you: join its group (sudo usermod -aG kvm $(id -un)) and log in again"
fi
if [ "$missing" -eq 0 ]; then echo "KVM can be used"; fi
exit "$missing"
