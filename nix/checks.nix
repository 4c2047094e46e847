# What `nix flake check` builds, beside evaluating everything.
{ pkgs, packages }:
let
  inherit (pkgs) lib;

  # Cargo on the workspace as it is built for the packages, with another command in the place of the build.
  cargo =
    name: command: extra:
    (pkgs.callPackage ./programs.nix {
      extraFiles = [
        ../README.md
        ../clippy.toml
        ../docs
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
in
# Each package is a check, under its own name.
removeAttrs packages [ "default" ]
// {
  clippy = cargo "clippy" "cargo clippy --workspace --all-targets --offline -- --deny warnings" [
    pkgs.clippy
  ];
  rustfmt = cargo "rustfmt" "cargo fmt --all --check" [ pkgs.rustfmt ];
  # Loopback is all the network that they need, and all that the sandbox has.
  tests = cargo "tests" "cargo test --workspace --offline" [
    pkgs.ffmpeg-headless
    pkgs.nginx
  ];

  nixfmt =
    pkgs.runCommand "nixfmt-check"
      {
        nativeBuildInputs = [ pkgs.nixfmt ];
        src = lib.fileset.toSource {
          root = ../.;
          fileset = lib.fileset.fileFilter (file: file.hasExt "nix") ../.;
        };
      }
      ''
        find $src -name '*.nix' -exec nixfmt --check {} +
        touch $out
      '';
  shellcheck =
    pkgs.runCommand "shellcheck-check"
      {
        nativeBuildInputs = [ pkgs.shellcheck ];
        src = lib.fileset.toSource {
          root = ../.;
          fileset = lib.fileset.fileFilter (file: file.hasExt "sh") ../.;
        };
      }
      ''
        find $src -name '*.sh' -exec shellcheck {} +
        touch $out
      '';
}
