# The lab's machines and what starts them: packages, made from the topology.
{
  pkgs,
  packages,
  nixosSystem,
  microvmModule,
  modules,
}:
let
  inherit (pkgs) lib;
  topology = import ./topology.nix;
  ports = lib.importJSON ../nix/ports.json;
  problems = import ./asserts.nix { inherit lib; } topology;

  # Where a machine reaches a port of another one: at the host, or directly.
  addressOf =
    mode: name: port:
    let
      machine = topology.machines.${name};
      at = machine.ports.${port};
    in
    if mode == "user" then
      "${topology.user.gateway}:${toString at.host}"
    else
      "${machine.address}:${toString at.guest}";

  runner =
    mode: name: machine:
    (nixosSystem {
      modules = [
        microvmModule
        (import ./guest.nix {
          inherit
            name
            machine
            mode
            topology
            ;
        })
        (import (./roles + "/${name}.nix") {
          inherit modules packages ports;
          addressOf = addressOf mode;
        })
        { nixpkgs.hostPlatform = pkgs.stdenv.hostPlatform.system; }
      ];
    }).config.microvm.declaredRunner;
  runners =
    mode: suffix:
    lib.mapAttrs' (
      name: machine: lib.nameValuePair "microvm-${name}${suffix}" (runner mode name machine)
    ) topology.machines;

  user = runners "user" "";
  pages = lib.concatMap (
    machine:
    lib.mapAttrsToList (name: port: "${name}=http://127.0.0.1:${toString port.host}") machine.ports
  ) (lib.attrValues topology.machines);
  lab = pkgs.writeShellApplication {
    name = "microvm-lab";
    runtimeInputs = [ pkgs.curl ];
    text = ''
      export LAB_MACHINES=${
        lib.escapeShellArg (toString (lib.mapAttrsToList (name: vm: "${name}=${lib.getExe vm}") user))
      }
      export LAB_PAGES=${lib.escapeShellArg (toString pages)}
      ${builtins.readFile ./lab.sh}
    '';
  };
  # As the machines' own set-up opens them: with several queues where several cores take them.
  interfaces = lib.mapAttrsToList (
    name: machine: "hls-${name}${lib.optionalString (machine.vcpu > 1) ":multi_queue"}"
  ) topology.machines;
  network = pkgs.writeShellApplication {
    name = "microvm-network";
    runtimeInputs = [ pkgs.iproute2 ];
    text = ''
      export LAB_BRIDGE=${topology.tap.bridge}
      export LAB_HOST=${topology.tap.host}/${toString topology.tap.prefixLength}
      export LAB_INTERFACES=${lib.escapeShellArg (toString interfaces)}
      ${builtins.readFile ./network.sh}
    '';
  };
in
assert lib.assertMsg (problems == [ ]) (lib.concatStringsSep "\n" problems);
user
// runners "tap" "-tap"
// {
  microvm-lab = lab;
  microvm-network = network;
}
