# OCI images: a program, what it runs, certificates, and a /tmp. No shell, no other user than nobody.
{ pkgs, packages }:
let
  inherit (pkgs) lib;
  ports = lib.importJSON ./ports.json;

  image =
    {
      name,
      tag,
      package,
      port,
      environment ? { },
    }:
    let
      program = "${package.programs}/bin/${package.meta.mainProgram}";
    in
    pkgs.dockerTools.buildLayeredImage {
      inherit name;
      inherit tag;
      contents = [
        pkgs.dockerTools.caCertificates
        pkgs.dockerTools.fakeNss
      ];
      # The only place that is written to: with `--read-only` it is the one tmpfs to give.
      extraCommands = "mkdir -m 1777 tmp";
      config = {
        Entrypoint = [ program ];
        User = "nobody";
        WorkingDir = "/tmp";
        Env = lib.mapAttrsToList (variable: value: "${variable}=${toString value}") (
          package.defaults // environment
        );
        ExposedPorts."${toString port}/tcp" = { };
        StopSignal = "SIGTERM";
        Healthcheck = {
          Test = [
            "CMD"
            program
            "health"
          ];
          # In nanoseconds, as Docker has it.
          Interval = 10 * 1000 * 1000 * 1000;
          Timeout = 6 * 1000 * 1000 * 1000;
          StartPeriod = 60 * 1000 * 1000 * 1000;
          Retries = 3;
        };
        Labels = {
          "org.opencontainers.image.title" = name;
          "org.opencontainers.image.description" = package.meta.description;
          "org.opencontainers.image.version" = package.version;
          "org.opencontainers.image.source" = package.meta.homepage;
          "org.opencontainers.image.licenses" = package.meta.license.spdxId;
        };
      };
    };

  origin =
    output: package:
    let
      profile = lib.removePrefix "test-origin" output;
    in
    image {
      name = "ffmpeg-hls-swarm-test-origin";
      # A profile is told by the tag: 1.2.3, 1.2.3-low-latency.
      tag = package.version + profile;
      inherit package;
      port = ports.origin;
      environment = {
        # Loopback of a container is nobody else's.
        HLSORIGIN_BIND = "0.0.0.0";
        # With a profile, its media come with the image; without one they are made when it starts.
        HLSORIGIN_CACHE_DIR = packages."media${profile}" or "/tmp/media";
        HLSORIGIN_DIR = "/tmp";
      };
    };
in
{
  swarm-container = image {
    name = "ffmpeg-hls-swarm";
    tag = packages.swarm.version;
    package = packages.swarm;
    port = ports.metrics;
  };
}
// lib.mapAttrs' (name: package: lib.nameValuePair "${name}-container" (origin name package)) (
  lib.filterAttrs (name: _: lib.hasPrefix "test-origin" name) packages
)
