# Each program with the tools that it runs, and one test origin per profile file.
{ pkgs }:
let
  inherit (pkgs) lib;
  programs = pkgs.callPackage ./programs.nix { };
  ffmpeg-lean = pkgs.callPackage ./ffmpeg-lean.nix { };
  ffmpeg = pkgs.ffmpeg-headless;

  # One of the programs. `defaults` are environment variables: a flag, or the user's own variable, wins.
  program =
    name: defaults:
    pkgs.runCommand "${name}-${programs.version}"
      {
        pname = name;
        inherit (programs) version;
        nativeBuildInputs = [ pkgs.makeWrapper ];
        passthru = {
          inherit defaults programs;
        };
        meta = programs.meta // {
          mainProgram = name;
        };
      }
      ''
        makeWrapper ${programs}/bin/${name} $out/bin/${name} ${
          lib.concatStringsSep " " (
            lib.mapAttrsToList (
              variable: value: "--set-default ${variable} ${lib.escapeShellArg value}"
            ) defaults
          )
        }
      '';

  swarm = program "swarm" { HLSSWARM_FFMPEG = lib.getExe ffmpeg; };
  originTools = {
    HLSORIGIN_FFMPEG = lib.getExe ffmpeg;
    HLSORIGIN_NGINX = lib.getExe pkgs.nginx;
  };

  profiles = map (lib.removeSuffix ".toml") (
    lib.filter (lib.hasSuffix ".toml") (lib.attrNames (builtins.readDir ../test-origin/profiles))
  );
  origins = lib.listToAttrs (
    map (
      profile:
      lib.nameValuePair "test-origin-${profile}" (
        program "test-origin" (originTools // { HLSORIGIN_PROFILE = profile; })
      )
    ) profiles
  );
in
{
  inherit swarm ffmpeg-lean;
  default = swarm;
  swarm-lean = program "swarm" { HLSSWARM_FFMPEG = lib.getExe ffmpeg-lean; };
  test-origin = program "test-origin" originTools;
}
// origins
