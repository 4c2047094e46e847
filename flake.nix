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
      packages = onAll (pkgs: import ./nix/packages.nix { inherit pkgs; });

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
        }
      );

      devShells = onAll (pkgs: {
        default = import ./nix/dev-shell.nix { inherit pkgs; };
      });

      formatter = onAll (pkgs: pkgs.nixfmt-tree);

      overlays.default = import ./nix/overlay.nix;
    };
}
