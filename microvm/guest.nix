# What every machine of the lab is, whatever its role.
{
  name,
  machine,
  mode,
  topology,
}:
{ lib, ... }:
{
  microvm = {
    hypervisor = "qemu";
    inherit (machine) vcpu;
    mem = machine.memoryMb;
    interfaces = [
      {
        type = mode;
        id = "hls-${name}";
        inherit (machine) mac;
      }
    ];
    forwardPorts = lib.mkIf (mode == "user") (
      map (port: {
        # Only for this host: who wants more says so with TAP.
        host.address = "127.0.0.1";
        host.port = port.host;
        guest.port = port.guest;
      }) (lib.attrValues machine.ports)
    );
    # The host's store, read-only: nothing is copied into an image.
    shares = [
      {
        proto = "9p";
        tag = "ro-store";
        source = "/nix/store";
        mountPoint = "/nix/.ro-store";
      }
    ];
  };

  networking = {
    hostName = name;
    useNetworkd = true;
    firewall.allowedTCPPorts = map (port: port.guest) (lib.attrValues machine.ports);
  };
  systemd.network.networks."10-lab" = {
    matchConfig.MACAddress = machine.mac;
  }
  // (
    if mode == "user" then
      { networkConfig.DHCP = "ipv4"; }
    else
      {
        address = [ "${machine.address}/${toString topology.tap.prefixLength}" ];
        gateway = [ topology.tap.host ];
      }
  );

  # The console is the way in: a lab of an hour needs no keys.
  services.getty.autologinUser = "root";
  system.stateVersion = "26.05";
}
