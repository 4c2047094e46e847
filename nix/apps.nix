# What `nix run` starts.
{ pkgs, packages }:
let
  inherit (pkgs) lib;
  app = description: program: {
    type = "app";
    program = lib.getExe program;
    meta = { inherit description; };
  };
  demo = pkgs.writeShellApplication {
    name = "demo";
    text = builtins.readFile ../scripts/demo.sh;
    runtimeInputs = [
      packages.swarm
      packages.test-origin
    ];
  };
  named = prefix: lib.filterAttrs (name: _: lib.hasPrefix prefix name) packages;
  origins = lib.filterAttrs (name: _: !lib.hasSuffix "-container" name) (named "test-origin");
in
lib.mapAttrs (_: app "Live HLS origin on this machine") origins
// lib.mapAttrs (_: app "The lab's virtual machines") (named "microvm-")
// {
  default = app "Load-test HLS with real FFmpeg viewers" packages.default;
  swarm = app "Load-test HLS with real FFmpeg viewers" packages.swarm;
  swarm-lean = app "The same with an FFmpeg that has only what a viewer needs" packages.swarm-lean;
  demo = app "Ten viewers on a live stream of this machine, for 30 s" demo;
}
