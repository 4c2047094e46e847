# The lab's bridge and TAP interfaces on a NixOS host, for its machines with TAP interfaces. Elsewhere, `microvm-network`
# makes the same by hand, until the next boot.
{ config, lib, ... }:
let
  topology = import ./topology.nix;
in
{
  systemd.network = {
    enable = true;
    # Where something else brings the network up, nothing of ours ever says that the machine is online.
    wait-online.enable = lib.mkDefault config.networking.useNetworkd;
    netdevs = {
      "20-${topology.tap.bridge}".netdevConfig = {
        Kind = "bridge";
        Name = topology.tap.bridge;
      };
    }
    // lib.mapAttrs' (
      name: machine:
      lib.nameValuePair "20-hls-${name}" {
        netdevConfig = {
          Kind = "tap";
          Name = "hls-${name}";
        };
        # For whoever may use KVM; as QEMU opens them.
        tapConfig = {
          Group = "kvm";
          MultiQueue = machine.vcpu > 1;
          VNetHeader = true;
        };
      }
    ) topology.machines;
    networks."20-${topology.tap.bridge}" = {
      matchConfig.Name = topology.tap.bridge;
      address = [ "${topology.tap.host}/${toString topology.tap.prefixLength}" ];
      # Also while no machine runs.
      networkConfig.ConfigureWithoutCarrier = true;
    };
    networks."20-hls-machines" = {
      matchConfig.Name = map (name: "hls-${name}") (builtins.attrNames topology.machines);
      networkConfig.Bridge = topology.tap.bridge;
    };
  };
}
