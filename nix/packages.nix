# Each program with the tools that it runs, and one test origin per profile file.
{ pkgs }:
let
  inherit (pkgs) lib;
  programs = pkgs.callPackage ./programs.nix { };
  ffmpeg-lean = pkgs.callPackage ./ffmpeg-lean.nix { };
  ffmpeg = pkgs.ffmpeg-headless;

  setDefaults = lib.concatMapAttrsStringSep " " (
    variable: value: "--set-default ${variable} ${lib.escapeShellArg value}"
  );

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
        makeWrapper ${programs}/bin/${name} $out/bin/${name} ${setDefaults defaults}

        share=$out/share
        mkdir -p $share/{bash-completion/completions,fish/vendor_completions.d,man/man1,zsh/site-functions}
        $out/bin/${name} man >$share/man/man1/${name}.1
        $out/bin/${name} completions bash >$share/bash-completion/completions/${name}
        $out/bin/${name} completions fish >$share/fish/vendor_completions.d/${name}.fish
        $out/bin/${name} completions zsh >$share/zsh/site-functions/_${name}
      '';

  swarm = program "swarm" { HLSSWARM_FFMPEG = lib.getExe ffmpeg; };
  originTools = {
    HLSORIGIN_FFMPEG = lib.getExe ffmpeg;
    HLSORIGIN_NGINX = lib.getExe pkgs.nginx;
  };

  profiles = map (lib.removeSuffix ".toml") (
    lib.filter (lib.hasSuffix ".toml") (lib.attrNames (builtins.readDir ../test-origin/profiles))
  );
  perProfile =
    prefix: package:
    lib.listToAttrs (map (name: lib.nameValuePair "${prefix}-${name}" (package name)) profiles);

  test-origin = program "test-origin" originTools;
  origins = perProfile "test-origin" (
    name: program "test-origin" (originTools // { HLSORIGIN_PROFILE = name; })
  );
  # What a profile plays, encoded once and for all: a cache folder that nothing needs to be written to.
  media = perProfile "media" (
    name:
    pkgs.runCommand "media-${name}" { } ''
      HLSORIGIN_PROFILE=${name} HLSORIGIN_CACHE_DIR=$out HLSORIGIN_PREPARE=1 ${lib.getExe test-origin}
    ''
  );
in
{
  inherit swarm test-origin ffmpeg-lean;
  default = swarm;
  swarm-lean = program "swarm" { HLSSWARM_FFMPEG = lib.getExe ffmpeg-lean; };
}
// origins
// media
