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
    pkgs.iproute2
    pkgs.jq
    pkgs.mypy
    pkgs.nixfmt
    pkgs.procps
    pkgs.prometheus
    (pkgs.lib.getOutput "cli" pkgs.prometheus)
    pkgs.python3
    pkgs.python3Packages.pyflakes
    pkgs.shellcheck
    pkgs.tmux
    pkgs.util-linux
    pkgs.wrk
  ];
}
