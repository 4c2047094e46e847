# services.hls-test-origin: a live HLS origin as a service.
{ self }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  name = "hls-test-origin";
  cfg = config.services.${name};
  service = import ./service.nix { inherit lib pkgs; };
  ports = lib.importJSON ../ports.json;
  arguments = service.flags (
    {
      # /run is in memory: what is rewritten every few seconds should not reach a disk.
      dir = "/run/${name}";
      cache-dir = if cfg.media == null then "/var/cache/${name}" else cfg.media;
    }
    // cfg.settings
  );
  # Below it only a capability lets a service listen. An empty text takes all of them away; an empty list would not.
  capabilities = if cfg.settings.port < 1024 then "CAP_NET_BIND_SERVICE" else "";
in
{
  options.services.${name} = {
    enable = lib.mkEnableOption "a live HLS origin to try load tests on";
    package = lib.mkOption {
      type = lib.types.package;
      default = self.packages.${pkgs.stdenv.hostPlatform.system}.test-origin;
      defaultText = lib.literalExpression "ffmpeg-hls-swarm.packages.\${system}.test-origin";
      description = "The `test-origin` package to run.";
    };
    media = lib.mkOption {
      type = lib.types.nullOr lib.types.path;
      default = null;
      example = lib.literalExpression "ffmpeg-hls-swarm.packages.\${system}.media-default";
      description = ''
        Folder with the prepared media of the profile, so that the stream is there at once.
        Without one it is encoded at the first start, and kept in `/var/cache/${name}`.
      '';
    };
    settings = lib.mkOption {
      type = service.settingsType {
        port = lib.mkOption {
          type = lib.types.port;
          default = ports.origin;
          description = "Port to listen on.";
        };
      };
      default = { };
      example = {
        profile = "low-latency";
        bind = "0.0.0.0";
      };
      description = ''
        Flags of `test-origin` without their dashes, as docs/TEST_ORIGIN.md lists them: a switch is `true`, a flag that
        may be given several times is a list. The program checks them when the system is built.
      '';
    };
    openFirewall = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether other machines may reach the port. They also need `settings.bind` for that.";
    };
    scrape = lib.mkOption {
      type = lib.types.bool;
      default = false;
      description = "Whether this machine's Prometheus collects the origin's metrics.";
    };
  };

  config = lib.mkIf cfg.enable {
    environment.systemPackages = [ cfg.package ];
    networking.firewall.allowedTCPPorts = lib.mkIf cfg.openFirewall [ cfg.settings.port ];
    services.prometheus.scrapeConfigs = lib.mkIf cfg.scrape [
      {
        job_name = name;
        static_configs = [ { targets = [ "127.0.0.1:${toString cfg.settings.port}" ]; } ];
      }
    ];

    systemd.services.${name} = {
      description = "Live HLS origin for load tests";
      documentation = [ self.packages.${pkgs.stdenv.hostPlatform.system}.test-origin.meta.homepage ];
      wantedBy = [ "multi-user.target" ];
      after = [ "network-online.target" ];
      wants = [ "network-online.target" ];
      # Builds the check with the unit.
      restartTriggers = [ (service.checked name cfg.package arguments) ];
      serviceConfig = service.confinement // {
        ExecStart = service.execStart cfg.package arguments;
        Restart = "on-failure";
        RestartSec = 1;
        RuntimeDirectory = name;
        CacheDirectory = name;
        LogsDirectory = name;
        AmbientCapabilities = capabilities;
        CapabilityBoundingSet = capabilities;
        # A connection and an open segment for each viewer's request; systemd's own limit is 1024.
        LimitNOFILE = 65536;
      };
    };
  };
}
