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
    # Prepared media, so that the machine encodes nothing; not where the profile is changed, which needs media of its own.
    media = if host.settings ? set then null else packages."media-${host.settings.profile}";
    inherit (host) settings;
  };
  # For `test-origin fault`.
  environment.variables.HLSORIGIN_ADMIN = host.settings.admin;
}
