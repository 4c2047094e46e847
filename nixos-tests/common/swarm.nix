# A host on which scripts run the load tester: its settings are variables, and its service does not start by itself.
{
  modules,
  host,
  ...
}:
{ config, lib, ... }:
{
  imports = [ modules.swarm ];
  services.hls-swarm = {
    enable = true;
    autoStart = false;
    openFirewall = true;
    urls = [ config.environment.variables.STREAM ];
    inherit (host) settings;
  };
  environment.variables = lib.mapAttrs' (
    name: value: lib.nameValuePair "HLSSWARM_${lib.toUpper name}" value
  ) host.settings;
}
