# What every host of a scenario is, and the environment in which scripts find ports and paths.
# `local/world.py` sets the same variables on network namespaces.
{ hosts }:
{ lib, pkgs, ... }:
let
  ports = lib.importJSON ../../nix/ports.json;
  portOf = address: lib.last (lib.splitString ":" address);
  scheme = host: if host.settings.profile == "tls" then "https" else "http";
  urlOf = {
    origin = host: "${scheme host}://${host.name}:${toString host.settings.port}";
    # NixOS's own.
    observer = host: "http://${host.name}:${toString ports.prometheus}";
    swarm = host: "http://${host.name}:${portOf host.settings.metrics}";
  };
  known = lib.filterAttrs (_: host: urlOf ? ${host.role}) hosts;
  # The first one's stream is what scenarios play.
  origins = lib.filter (host: host.role == "origin") (lib.attrValues hosts);
in
{
  environment.variables =
    lib.mapAttrs' (
      name: host: lib.nameValuePair "${lib.toUpper name}_URL" (urlOf.${host.role} host)
    ) known
    // lib.optionalAttrs (origins != [ ]) {
      STREAM = "${urlOf.origin (lib.head origins)}/stream.m3u8";
      ACCESS_LOG = (lib.head origins).settings.access-log;
    };

  environment.systemPackages = [
    pkgs.curl
    pkgs.procps
  ];
  # Only the hosts' network: a name that none of them has must not be asked for elsewhere.
  networking.useDHCP = false;
  networking.nameservers = lib.mkForce [ ];
  # Nothing of this is looked at, and it takes time to make.
  documentation.enable = false;
}
