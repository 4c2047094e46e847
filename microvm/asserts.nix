# What would go wrong with a topology, each as a sentence. `topology -> [ sentence ]`.
{ lib }:
topology:
let
  machines = lib.attrValues (
    lib.mapAttrs (name: machine: machine // { inherit name; }) topology.machines
  );
  twice =
    values:
    lib.attrNames (lib.filterAttrs (_: same: lib.length same > 1) (lib.groupBy toString values));
  unique =
    what: values:
    map (value: "${what} ${value} is used by two machines: give each its own") (twice values);
  hostPorts = machine: map (port: port.host) (lib.attrValues machine.ports);
  network = address: lib.init (lib.splitString "." address);
in
unique "address" (map (machine: machine.address) machines ++ [ topology.tap.host ])
++ unique "MAC address" (map (machine: machine.mac) machines)
++ unique "host port" (lib.concatMap hostPorts machines)
++ map (machine: "${machine.name}: QEMU hangs with exactly 2048 MB: give it more or less") (
  lib.filter (machine: machine.memoryMb == 2048) machines
)
++ map (machine: "${machine.name}: ports below 1024 need root on the host: choose a higher one") (
  lib.filter (machine: lib.any (port: port < 1024) (hostPorts machine)) machines
)
++
  map
    (
      machine:
      "${machine.name}: ${machine.address} is not in the network of ${topology.tap.host}: change one of them"
    )
    (
      lib.filter (
        machine: topology.tap.prefixLength == 24 && network machine.address != network topology.tap.host
      ) machines
    )
++ map (
  machine: "${machine.name}: Linux allows 15 characters for hls-${machine.name}: use a shorter name"
) (lib.filter (machine: lib.stringLength "hls-${machine.name}" > 15) machines)
