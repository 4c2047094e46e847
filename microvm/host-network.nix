# The lab's bridge on a NixOS host, for its machines with TAP interfaces. Elsewhere, `microvm-network` makes the same by
# hand, until the next boot.
let
  topology = import ./topology.nix;
in
{
  systemd.network = {
    enable = true;
    netdevs."20-${topology.tap.bridge}".netdevConfig = {
      Kind = "bridge";
      Name = topology.tap.bridge;
    };
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
