{
  description = "My own HLS origin under load, in virtual machines";

  inputs = {
    lab.url = "github:ffmpeg-hls-swarm/ffmpeg-hls-swarm";
    nixpkgs.follows = "lab/nixpkgs";
  };

  outputs =
    { lab, nixpkgs, ... }:
    let
      system = "x86_64-linux";
      pkgs = nixpkgs.legacyPackages.${system};
      port = 8000;
    in
    {
      # nix flake check; interactively: nix run .#checks.x86_64-linux.default.driverInteractive
      checks.${system}.default = pkgs.testers.runNixOSTest {
        name = "my-origin-under-load";

        nodes.origin = {
          # Put your own origin here. This one plays the lab's stream.
          imports = [ lab.nixosModules.test-origin ];
          services.hls-test-origin = {
            enable = true;
            openFirewall = true;
            settings = {
              bind = "0.0.0.0";
              inherit port;
            };
          };
        };

        nodes.swarm = {
          imports = [ lab.nixosModules.swarm ];
          virtualisation.memorySize = 2048 + 512;
          services.hls-swarm = {
            enable = true;
            autoStart = false;
            urls = [ "http://origin:${toString port}/stream.m3u8" ];
            settings = {
              clients = 20;
              duration = "30s";
              report = "run.json";
            };
          };
        };

        testScript = ''
          import json

          origin.wait_for_unit("hls-test-origin.service")
          origin.wait_until_succeeds("curl --fail http://127.0.0.1:${toString port}/healthz")
          with subtest("twenty viewers play without a restart"):
              swarm.succeed("systemctl start --wait hls-swarm.service")
              report = json.loads(swarm.succeed("cat /var/lib/hls-swarm/run.json"))
              assert report["processes"]["restarted"] == 0, report["processes"]
        '';
      };
    };
}
