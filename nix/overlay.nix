# The packages as `pkgs.ffmpeg-hls-swarm.*`, in a set of their own: `swarm` alone would be too short a name there.
final: _: {
  ffmpeg-hls-swarm = import ./packages.nix { pkgs = final; };
}
