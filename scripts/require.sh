#!/usr/bin/env bash
# Makes sure that programs are there: `require.sh ffmpeg nginx`. Installs missing ones with apt where it can, and says
# what to do where it can't.
set -euo pipefail

# nginx is in no ordinary user's PATH on Debian.
PATH=$PATH:/usr/sbin

# Debian's own Cargo may be older than the code needs, and says so in words that nobody understands.
check_cargo() {
    local needed found
    needed=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$(dirname "$0")/../Cargo.toml")
    found=$(cargo --version | cut -d ' ' -f 2)
    if [ "$(printf '%s\n' "$needed" "$found" | sort -V | head -n 1)" != "$needed" ]; then
        echo "make: cargo is $found, and $needed or later is needed: install Rust as https://rustup.rs says, then open a new shell" >&2
        exit 1
    fi
}

packages=()
for program in "$@"; do
    if command -v "$program" >/dev/null; then
        if [ "$program" = cargo ]; then check_cargo; fi
        continue
    fi
    case $program in
        cargo)
            echo "make: cargo is missing: install Rust as https://rustup.rs says, then open a new shell" >&2
            exit 1
            ;;
        # Debian's package names of programs that are called otherwise.
        bwrap) packages+=(bubblewrap) ;;
        cc) packages+=(gcc libc6-dev) ;;
        ip) packages+=(iproute2) ;;
        nsenter) packages+=(util-linux) ;;
        perf) packages+=(linux-perf) ;;
        pgrep) packages+=(procps) ;;
        # Debian gives the command a name of its own.
        pyflakes3) command -v pyflakes >/dev/null || packages+=(pyflakes3) ;;
        setpriv | unshare) packages+=(util-linux) ;;
        xz) packages+=(xz-utils) ;;
        *) packages+=("$program") ;;
    esac
done
[ ${#packages[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo -n)
fi
if ! command -v apt-get >/dev/null || ! "${as_root[@]}" true 2>/dev/null; then
    echo "make: missing: ${packages[*]}. Install with one of:" >&2
    echo "  sudo apt-get install ${packages[*]}     (Debian, Ubuntu)" >&2
    echo "  nix shell ${packages[*]/#/nixpkgs#}     (Nix)" >&2
    echo "  brew install ${packages[*]}             (macOS)" >&2
    exit 1
fi

echo "make: installing ${packages[*]} with apt" >&2
# Debian starts a service as soon as it is installed. We need nginx the program, not a server on port 80: a policy file
# that forbids starts is Debian's way to say so, and is taken away again.
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap '"${as_root[@]}" rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
    "${as_root[@]}" chmod 755 $policy
fi
# What apt says is of interest when it fails.
if ! said=$({
    "${as_root[@]}" apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${packages[@]}"
} 2>&1); then
    echo "$said" >&2
    echo "make: apt could not install ${packages[*]}: its words are above" >&2
    exit 1
fi
