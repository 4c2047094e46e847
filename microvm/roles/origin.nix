# The machine that serves the stream.
{ modules, ... }:
{
  imports = [ modules.test-origin ];
  services.hls-test-origin = {
    enable = true;
    settings.bind = "0.0.0.0";
  };
}
