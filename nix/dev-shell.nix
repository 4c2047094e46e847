# Everything that the Makefile, the tests and an editor use.
{ pkgs }:
pkgs.mkShell {
  packages = [
    pkgs.cargo
    pkgs.cargo-nextest
    pkgs.clippy
    pkgs.rust-analyzer
    pkgs.rustc
    pkgs.rustfmt

    pkgs.ffmpeg-headless
    pkgs.nginx

    pkgs.actionlint
    pkgs.curl
    pkgs.gnumake
    pkgs.jq
    pkgs.nixfmt
    pkgs.python3
    pkgs.shellcheck
    pkgs.wrk
  ];
}
