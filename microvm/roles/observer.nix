# The machine that watches: Prometheus and Grafana, with what the project's observability/ folder holds.
{
  addressOf,
  ports,
  ...
}:
{ lib, pkgs, ... }:
let
  folder = ../../observability;
  rules = folder + "/rules";
  job = job_name: target: {
    inherit job_name;
    static_configs = [ { targets = [ target ]; } ];
  };
in
{
  services.prometheus = {
    enable = true;
    # A lab is looked at while it runs, for minutes: the usual minute between two samples would show nothing.
    globalConfig.scrape_interval = "2s";
    # The folder is there as soon as it has a file.
    ruleFiles = lib.optionals (lib.pathExists rules) (lib.filesystem.listFilesRecursive rules);
    scrapeConfigs = [
      (job "hls-swarm" (addressOf "swarm" "metrics"))
      (job "hls-test-origin" (addressOf "origin" "stream"))
    ];
  };

  # Grafana takes all of its settings from the environment, and its provisioning from the folder that the compose file
  # uses too: there is nothing left to say in Nix.
  systemd.services.grafana = {
    description = "Dashboards of the lab";
    wantedBy = [ "multi-user.target" ];
    after = [ "network.target" ];
    environment = {
      GF_SERVER_HTTP_PORT = toString ports.grafana;
      GF_PATHS_DATA = "/var/lib/grafana";
      GF_PATHS_PROVISIONING = "${folder}/grafana";
      PROMETHEUS_URL = "http://127.0.0.1:${toString ports.prometheus}";
      DASHBOARDS = "${folder}/dashboards";
      # It is reached from the host alone, and forgets everything.
      GF_AUTH_ANONYMOUS_ENABLED = "true";
      GF_AUTH_ANONYMOUS_ORG_ROLE = "Admin";
      # Nothing is asked of the internet, and nothing told.
      GF_ANALYTICS_CHECK_FOR_UPDATES = "false";
      GF_ANALYTICS_REPORTING_ENABLED = "false";
    };
    serviceConfig = {
      ExecStart = "${lib.getExe' pkgs.grafana "grafana"} server --homepath ${pkgs.grafana}/share/grafana";
      DynamicUser = true;
      StateDirectory = "grafana";
    };
  };
}
