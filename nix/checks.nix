# What `nix flake check` builds, beside evaluating everything.
{
  pkgs,
  packages,
  nixosSystem,
  modules,
}:
let
  inherit (pkgs) lib;

  # Cargo on the workspace as it is built for the packages, with another command in the place of the build.
  cargo =
    name: command: extra:
    (pkgs.callPackage ./programs.nix {
      extraFiles = [
        ../README.md
        ../clippy.toml
        ../deploy/prometheus.yml
        ../docs
        ../observability
        ../rustfmt.toml
      ];
    }).overrideAttrs
      (old: {
        pname = "${old.pname}-${name}";
        nativeBuildInputs = old.nativeBuildInputs ++ extra;
        buildPhase = ''
          runHook preBuild
          ${command}
          runHook postBuild
        '';
        installPhase = "touch $out";
      });

  # A tool on every file with this extension.
  everyFile =
    extension: tool: command:
    pkgs.runCommand "${extension}-files-check"
      {
        nativeBuildInputs = [ tool ];
        src = lib.fileset.toSource {
          root = ../.;
          fileset = lib.fileset.fileFilter (file: file.hasExt extension) ../.;
        };
      }
      ''
        find $src -name '*.${extension}' -exec ${command} {} +
        touch $out
      '';

  # Viewers on a stream, in the sandbox: `swarm` exits with 0 only if they received media.
  plays =
    swarm:
    pkgs.runCommand "${swarm.name}-plays" { } ''
      coproc ORIGIN {
        exec ${lib.getExe packages.test-origin-vod} --port 0 --cache-dir ${packages.media-vod}
      }
      read -r url <&"''${ORIGIN[0]}"
      ${lib.getExe swarm} -clients 2 -duration 5s -metrics off "$url" | tee $out
      kill "$ORIGIN_PID"
    '';

  # A machine with both services: their units, and with them the programs' own check of their flags.
  machine = nixosSystem {
    modules = [
      modules.swarm
      modules.test-origin
      {
        nixpkgs.hostPlatform = pkgs.stdenv.hostPlatform.system;
        services.hls-test-origin = {
          enable = true;
          openFirewall = true;
          scrape = true;
        };
        services.hls-swarm = {
          enable = true;
          urls = [ "https://cdn.example/live/master.m3u8?token=50%25$" ];
          settings = {
            clients = 200;
            no-cache = true;
            header = [
              "X-One: 1"
              "X-Two: 2"
            ];
          };
        };
      }
    ];
  };
  unit = name: machine.config.systemd.units."${name}.service".unit;
in
# Each package is a check under its own name, but for those that are another one with a setting changed: an image per
# profile is half a gigabyte that proves nothing.
lib.filterAttrs (
  name: _:
  name != "default"
  && !lib.hasSuffix "-tap" name
  && !(
    lib.hasPrefix "test-origin-" name
    && lib.hasSuffix "-container" name
    && name != "test-origin-container"
  )
) packages
# Virtual machines: these need KVM.
// import ../nixos-tests { inherit pkgs packages modules; }
// {
  clippy = cargo "clippy" "cargo clippy --workspace --all-targets --offline -- --deny warnings" [
    pkgs.clippy
  ];
  rustfmt = cargo "rustfmt" "cargo fmt --all --check" [ pkgs.rustfmt ];
  # Loopback is all the network that they need, and all that the sandbox has.
  # Those of packaging look at the whole repository, and belong to a checkout.
  tests = cargo "tests" "cargo test --workspace --exclude packaging --offline" [
    pkgs.curl
    pkgs.ffmpeg-headless
    pkgs.nginx
    pkgs.prometheus
    (lib.getOutput "cli" pkgs.prometheus)
    pkgs.tmux
    pkgs.util-linux
  ];

  plays = plays packages.swarm;
  plays-lean = plays packages.swarm-lean;

  modules = pkgs.runCommand "modules-check" { } ''
    mkdir $out
    cp ${unit "hls-swarm"}/*.service ${unit "hls-test-origin"}/*.service $out
  '';

  nixfmt = everyFile "nix" pkgs.nixfmt "nixfmt --check";
  shellcheck = everyFile "sh" pkgs.shellcheck "shellcheck";
}
