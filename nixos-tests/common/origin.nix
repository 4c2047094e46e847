# A host that serves a live stream.
{
  packages,
  modules,
  host,
  ...
}:
{
  imports = [ modules.test-origin ];
  services.hls-test-origin = {
    enable = true;
    openFirewall = true;
    # Prepared media where there is some: the machine then encodes nothing.
    media = packages."media-${host.settings.profile}" or null;
    inherit (host) settings;
  };
}
