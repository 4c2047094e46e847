"""One host of a world: a set of network, mount, process and host name namespaces, and its link to the world's bridge."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

# As the NixOS test driver numbers its hosts: one network, hosts from 1 on, on eth1.
NETWORK = "192.168.1"
BRIDGE = "lab"
# A host is a few mounts and a link; more than this means that the machine does not get to it at all.
READY_TIMEOUT_S = 60


@dataclass(frozen=True)
class Site:
    """What all hosts of a world share. `programs` are put on the path of each host; `media` holds encoded clips."""

    folder: Path
    programs: tuple[Path, ...]
    media: Path
    environment: dict[str, str]


def run(*argv: str) -> None:
    """Runs a command in the world. Raises `CalledProcessError` when it fails."""
    subprocess.run(argv, check=True)


def make_bridge() -> None:
    """The network that all hosts of this world are on."""
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "link", "set", BRIDGE, "up")


class Host:
    """Starts when it is made. `number` counts the hosts of the world from 1, `hosts_file` is its /etc/hosts."""

    def __init__(self, name: str, number: int, hosts_file: Path, site: Site) -> None:
        self.name = name
        self.folder = site.folder / name
        self._link = f"{BRIDGE}-{number}"
        self._environment = site.environment
        for folder in ("tmp", "log"):
            (self.folder / folder).mkdir(parents=True)
            # An unprivileged service of the host writes there, too.
            (self.folder / folder).chmod(0o1777)
        self._init = self._start(hosts_file, site)
        self._pid = self._wait_until_ready()
        address = f"{NETWORK}.{number}/24"
        run("ip", "link", "add", self._link, "type", "veth", "peer", "name", "eth1", "netns", str(self._pid))
        run("ip", "link", "set", self._link, "master", BRIDGE, "up")
        run(*self.enter("ip", "addr", "add", address, "dev", "eth1"))
        run(*self.enter("ip", "link", "set", "eth1", "up"))

    def _start(self, hosts_file: Path, site: Site) -> subprocess.Popen[str]:
        init = Path(__file__).with_name("host_init.sh")
        return subprocess.Popen(
            ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child"]
            + ["bash", str(init), self.name, str(self.folder), str(hosts_file), *map(str, site.programs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "LAB_MEDIA": str(site.media)},
        )

    def _wait_until_ready(self) -> int:
        """The process id of the host's first process, as this world counts."""
        assert self._init.stdout is not None
        said = self._init.stdout.readline()
        if said != "ready\n":
            raise RuntimeError(f"host {self.name} did not start (its words are above)")
        children = Path(f"/proc/{self._init.pid}/task/{self._init.pid}/children").read_text().split()
        return int(children[0])

    @property
    def environment(self) -> dict[str, str]:
        """Of every command and service on the host."""
        return self._environment

    def enter(self, *argv: str) -> list[str]:
        """The command line that runs `argv` on this host, as its root."""
        return ["nsenter", f"--target={self._pid}", "--net", "--mount", "--uts", "--ipc", "--pid", "--", *argv]

    def set_link(self, state: str) -> None:
        """`up` or `down`: the far end of the host's cable, so that the host loses and regains its carrier."""
        run("ip", "link", "set", self._link, state)
