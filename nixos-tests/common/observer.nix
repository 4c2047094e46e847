# A host with Prometheus, which scrapes every other host under the rules of observability/.
{ hosts, host, ... }:
{ lib, ... }:
let
  portOf = address: lib.last (lib.splitString ":" address);
  job = name: target: {
    job_name = name;
    static_configs = [ { targets = [ target ]; } ];
  };
  jobs = {
    origin = origin: job "hls-test-origin" "${origin.name}:${toString origin.settings.port}";
    swarm = swarm: job "hls-swarm" "${swarm.name}:${portOf swarm.settings.metrics}";
  };
  scraped = lib.filter (other: jobs ? ${other.role}) (lib.attrValues hosts);
in
{
  services.prometheus = {
    enable = true;
    globalConfig = {
      scrape_interval = host.settings.interval;
      evaluation_interval = host.settings.interval;
    };
    ruleFiles = lib.filesystem.listFilesRecursive ../../observability/rules;
    scrapeConfigs = map (other: jobs.${other.role} other) scraped;
  };
}
