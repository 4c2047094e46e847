# The machine that plays it.
{
  modules,
  addressOf,
  ...
}:
{
  imports = [ modules.swarm ];
  services.hls-swarm = {
    enable = true;
    urls = [ "http://${addressOf "origin" "stream"}/stream.m3u8" ];
  };
}
