# What both services have in common: settings that the program itself has checked, and its confinement.
{ lib, pkgs }:
let
  value =
    with lib.types;
    oneOf [
      bool
      int
      float
      str
    ];
in
{
  # Flags of a program as an attribute set. Which there are, and what they may be, only the program knows: it reads
  # them when the system is built.
  settingsType =
    options:
    lib.types.submodule {
      freeformType = with lib.types; attrsOf (nullOr (either value (listOf value)));
      inherit options;
    };

  flags = lib.cli.toCommandLineGNU { };

  # A command as ExecStart takes it: quoted, and with nothing for systemd to expand.
  execStart =
    package: arguments:
    lib.concatMapStringsSep " " (
      argument: lib.replaceStrings [ "%" "$" ] [ "%%" "$$" ] (builtins.toJSON argument)
    ) ([ (lib.getExe package) ] ++ arguments);

  # Fails with the program's own words when it would refuse these arguments.
  checked =
    name: package: arguments:
    pkgs.runCommand "${name}-checked" { } ''
      ${lib.getExe package} check-flags ${lib.escapeShellArgs arguments} >$out
    '';

  confinement = {
    # No account to make, and none left behind: the service owns only the directories that it is given below.
    DynamicUser = true;
    UMask = "0077";

    # Nothing but its own directories can be written, and no home be read.
    ProtectSystem = "strict";
    ProtectHome = true;
    PrivateTmp = true;
    PrivateDevices = true;

    # It starts FFmpegs and sockets, and has no business with the kernel.
    ProtectClock = true;
    ProtectControlGroups = true;
    ProtectHostname = true;
    ProtectKernelLogs = true;
    ProtectKernelModules = true;
    ProtectKernelTunables = true;
    ProtectProc = "invisible";
    LockPersonality = true;
    MemoryDenyWriteExecute = true;
    NoNewPrivileges = true;
    RestrictNamespaces = true;
    RestrictRealtime = true;
    RestrictSUIDSGID = true;
    SystemCallArchitectures = "native";
    SystemCallErrorNumber = "EPERM";
    SystemCallFilter = [
      "@system-service"
      "~@privileged"
    ];
    # HTTP, sockets between its own processes, and netlink, by which a program learns this machine's addresses.
    RestrictAddressFamilies = [
      "AF_INET"
      "AF_INET6"
      "AF_UNIX"
      "AF_NETLINK"
    ];

    # The program ends its children in good order; what is left when the time is over is killed.
    KillMode = "mixed";
    TimeoutStopSec = 30;
    # The kernel may take one FFmpeg of many for lack of memory: that is an event of the run, not its end.
    OOMPolicy = "continue";
  };
}
