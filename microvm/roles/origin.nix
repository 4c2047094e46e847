# The machine that serves the stream.
{ modules, packages, ... }:
{
  imports = [ modules.test-origin ];
  services.hls-test-origin = {
    enable = true;
    media = packages.media-default;
    settings.bind = "0.0.0.0";
  };
}
