# services.hls-swarm: a load test as a service.
{ self }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  name = "hls-swarm";
  cfg = config.services.${name};
  service = import ./service.nix { inherit lib pkgs; };
  ports = lib.importJSON ../ports.json;
  arguments = service.flags cfg.settings ++ cfg.urls;
  hasMetrics = cfg.settings.metrics != "off";
  metricsPort = lib.toInt (lib.last (lib.splitString ":" cfg.settings.metrics));
in
{
  options.services.${name} = {
    enable = lib.mkEnableOption "a load test of an HLS stream with real FFmpeg viewers";
    package = lib.mkOption {
      type = lib.types.package;
      default = self.packages.${pkgs.stdenv.hostPlatform.system}.swarm;
      defaultText = lib.literalExpression "ffmpeg-hls-swarm.packages.\${system}.swarm";
      example = lib.literalExpression "ffmpeg-hls-swarm.packages.\${system}.swarm-lean";
      description = "The `swarm` package to run.";
    };
    urls = lib.mkOption {
      type = lib.types.nonEmptyListOf lib.types.str;
      example = [ "https://cdn.example/live/master.m3u8" ];
      description = "Playlists to play. Load only what is yours, or what you are allowed to load.";
    };
    settings = lib.mkOption {
      type = service.settingsType {
        metrics = lib.mkOption {
          type = lib.types.str;
          default = "0.0.0.0:${toString ports.metrics}";
          description = "Address of the Prometheus metrics; `off` for none.";
        };
      };
      default = { };
      example = {
        clients = 200;
        duration = "10m";
        report = [ "run.json" ];
      };
      description = ''
        Flags of `swarm` without their dashes, as docs/CONFIGURATION.md lists them: a switch is `true`, a flag that may
        be given several times is a list. The program checks them when the system is built. Files without a folder go to
        `/var/lib/${name}`.
      '';
    };
    autoStart = lib.mkOption {
      type = lib.types.bool;
      default = true;
      description = "Whether the load test starts with the machine; `systemctl start ${name}` starts it at any time.";
    };
    openFirewall = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether other machines may reach the metrics.";
    };
    scrape = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether this machine's Prometheus collects the metrics.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = (cfg.openFirewall || cfg.scrape) -> hasMetrics;
        message = "services.${name}: openFirewall and scrape are about the metrics, which settings.metrics = \"off\" switches off: choose one";
      }
    ];
    environment.systemPackages = [ cfg.package ];
    networking.firewall.allowedTCPPorts = lib.mkIf (cfg.openFirewall && hasMetrics) [ metricsPort ];
    services.prometheus.scrapeConfigs = lib.mkIf (cfg.scrape && hasMetrics) [
      {
        job_name = name;
        static_configs = [ { targets = [ "127.0.0.1:${toString metricsPort}" ]; } ];
      }
    ];

    systemd.services.${name} = {
      description = "HLS load test with FFmpeg viewers";
      documentation = [ self.packages.${pkgs.stdenv.hostPlatform.system}.swarm.meta.homepage ];
      wantedBy = lib.optional cfg.autoStart "multi-user.target";
      after = [ "network-online.target" ];
      wants = [ "network-online.target" ];
      # Builds the check with the unit.
      restartTriggers = [ (service.checked name cfg.package arguments) ];
      # Five minutes for a stream to appear: 60 times what RestartSec says.
      unitConfig = {
        StartLimitIntervalSec = 600;
        StartLimitBurst = 60;
      };
      serviceConfig = service.confinement // {
        ExecStart = service.execStart cfg.package arguments;
        # A run that ended is a result, whatever it was; only one that could not begin is tried again (exit code 3:
        # the stream is not there yet).
        Restart = "no";
        RestartForceExitStatus = 3;
        RestartSec = 5;
        StateDirectory = name;
        WorkingDirectory = "/var/lib/${name}";
        CapabilityBoundingSet = "";
        # Each viewer holds FFmpeg's connections and the wire's: about eight.
        LimitNOFILE = 1048576;
        # Viewers are processes, and a viewer of FFmpeg 7 or later has three threads; systemd's own limit is a few
        # thousand.
        TasksMax = "infinity";
      };
    };
  };
}
