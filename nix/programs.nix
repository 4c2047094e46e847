# The workspace, built once: both binaries, bare. What they run is given to them by packages.nix.
{
  lib,
  rustPlatform,
  # Folders beside the code, for the checks that read them too.
  extraFiles ? [ ],
}:
let
  manifest = (lib.importTOML ../Cargo.toml).workspace.package;
in
rustPlatform.buildRustPackage {
  pname = "ffmpeg-hls-swarm";
  inherit (manifest) version;

  # Only what the compiler reads, so that a changed page or VM test builds nothing anew.
  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions (
      [
        ../Cargo.lock
        ../Cargo.toml
      ]
      ++ map (member: ../. + "/${member}") (lib.importTOML ../Cargo.toml).workspace.members
      ++ extraFiles
    );
  };
  cargoLock.lockFile = ../Cargo.lock;

  # The tests need FFmpeg, Nginx and minutes: they are a check of the flake, not a part of everybody's build.
  doCheck = false;

  meta = {
    description = "Load-testing lab for HLS with real FFmpeg viewers";
    homepage = manifest.repository;
    license = lib.licenses.mit;
    platforms = lib.platforms.unix;
    mainProgram = "swarm";
  };
}
