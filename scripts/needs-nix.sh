#!/usr/bin/env bash
# What only Nix can make, when there is no Nix: `needs-nix.sh WHAT`.
echo "make: $1 needs Nix with flakes: install it as https://nixos.org/download says, put" >&2
echo "'experimental-features = nix-command flakes' into ~/.config/nix/nix.conf, and try again" >&2
exit 1
