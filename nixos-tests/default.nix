# A NixOS VM test for each scenario of scenarios.toml: its hosts with the project's modules, and its script as it is.
{
  pkgs,
  packages,
  modules,
}:
let
  inherit (pkgs) lib;
  table = lib.importTOML ./scenarios.toml;

  # A host with its role's settings under its own.
  complete =
    name: host:
    let
      role = host.role or name;
    in
    {
      inherit name role;
      inherit (table.roles.${role}) memory_mb cores;
      settings = (table.roles.${role}.settings or { }) // (host.settings or { });
    };

  test =
    name: scenario:
    let
      hosts = lib.mapAttrs complete scenario.hosts;
      node = host: {
        imports = [
          (import ./common/lab.nix { inherit hosts; })
          (import (./common + "/${host.role}.nix") {
            inherit
              packages
              modules
              hosts
              host
              ;
          })
        ];
        virtualisation = {
          memorySize = host.memory_mb;
          inherit (host) cores;
        };
      };
    in
    pkgs.testers.runNixOSTest {
      name = "hls-${name}";
      globalTimeout = scenario.timeout_s or table.timeout_s;
      nodes = lib.mapAttrs (_: node) hosts;
      testScript = lib.readFile ./common/helpers.py + lib.readFile (./scenarios + "/${name}.py");
    };
in
lib.mapAttrs' (name: scenario: lib.nameValuePair "vm-${name}" (test name scenario)) table.scenarios
