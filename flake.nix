{
  description = "Load-testing lab for HLS: real FFmpeg viewers, and a live origin to try them on";

  inputs = {
    nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";
    microvm = {
      url = "github:microvm-nix/microvm.nix";
      inputs.nixpkgs.follows = "nixpkgs";
    };
  };

  outputs =
    {
      self,
      nixpkgs,
      microvm,
    }:
    let
      inherit (nixpkgs) lib;
      linux = [
        "x86_64-linux"
        "aarch64-linux"
      ];
      on = systems: outputs: lib.genAttrs systems (system: outputs nixpkgs.legacyPackages.${system});
      onLinux = on linux;
      onAll = on (linux ++ [ "aarch64-darwin" ]);
    in
    {
      packages = onAll (
        pkgs:
        let
          packages = import ./nix/packages.nix { inherit pkgs; };
        in
        packages
        // lib.optionalAttrs pkgs.stdenv.hostPlatform.isLinux (
          import ./nix/images.nix { inherit pkgs packages; }
          // import ./microvm {
            inherit pkgs packages;
            inherit (lib) nixosSystem;
            microvmModule = microvm.nixosModules.microvm;
            modules = self.nixosModules;
          }
          // {
            option-docs = import ./nix/option-docs.nix {
              inherit pkgs;
              modules = [
                self.nixosModules.swarm
                self.nixosModules.test-origin
              ];
            };
          }
        )
      );

      nixosModules = {
        swarm = lib.modules.importApply ./nix/modules/swarm.nix { inherit self; };
        test-origin = lib.modules.importApply ./nix/modules/test-origin.nix { inherit self; };
        microvm-host-network = ./microvm/host-network.nix;
      };

      apps = onAll (
        pkgs:
        import ./nix/apps.nix {
          inherit pkgs;
          packages = self.packages.${pkgs.stdenv.hostPlatform.system};
        }
      );

      checks = onLinux (
        pkgs:
        import ./nix/checks.nix {
          inherit pkgs;
          packages = self.packages.${pkgs.stdenv.hostPlatform.system};
          inherit (lib) nixosSystem;
          modules = self.nixosModules;
        }
      );

      devShells = onAll (pkgs: {
        default = import ./nix/dev-shell.nix { inherit pkgs; };
      });

      formatter = onAll (pkgs: pkgs.nixfmt-tree);

      templates.lab = {
        path = ./templates/lab;
        description = "Your own origin under load, in a VM test";
      };

      overlays.default = import ./nix/overlay.nix;
    };
}
