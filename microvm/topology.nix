# The lab as data: who is there, how large, and where. Everything else is derived from it.
let
  ports = builtins.fromJSON (builtins.readFile ../nix/ports.json);
  same = port: {
    guest = port;
    host = port;
  };
in
{
  # Without root: QEMU's user network. Each machine sees the host as its gateway, and the host forwards ports to it.
  user.gateway = "10.0.2.2";

  # With root: a bridge on the host, one TAP interface per machine. The range is for documentation of private labs;
  # change it here if yours is taken.
  tap = {
    bridge = "hlslab0";
    host = "10.177.0.1";
    prefixLength = 24;
  };

  machines = {
    origin = {
      address = "10.177.0.2";
      mac = "02:00:00:77:00:02";
      vcpu = 2;
      memoryMb = 1024;
      ports.stream = same ports.origin;
    };
    swarm = {
      address = "10.177.0.3";
      mac = "02:00:00:77:00:03";
      vcpu = 2;
      memoryMb = 1536;
      ports.metrics = same ports.metrics;
    };
    observer = {
      address = "10.177.0.4";
      mac = "02:00:00:77:00:04";
      vcpu = 1;
      memoryMb = 768;
      ports.grafana = same ports.grafana;
      # On the host its own port is that of the swarm's metrics.
      ports.prometheus = {
        guest = ports.prometheus;
        host = ports.prometheusOnHost;
      };
    };
  };
}
