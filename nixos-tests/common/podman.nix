# A host with podman, and the project's images as files.
{ packages, ... }:
{
  virtualisation = {
    podman.enable = true;
    # Images come from this flake alone.
    containers.policy.default = [ { type = "insecureAcceptAnything"; } ];
    # Both images, their layers, and room to unpack them.
    diskSize = 4096;
  };
  environment.variables = {
    ORIGIN_IMAGE = "${packages.test-origin-container}";
    SWARM_IMAGE = "${packages.swarm-container}";
  };
}
