"""A service on a host, with the states of systemd's units. Its command comes from the settings in `scenarios.toml`.

It knows what the NixOS modules make of these settings: a flag per setting, an account without privileges, a folder in
/run and one in /var/log that bear the unit's name. It does not restart a service by itself, nor confine it: that belongs
to the modules, and the scenario `service_modules` looks at it on virtual machines.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from pathlib import Path

from . import observer
from .host import Host
from .table import Host as Entry
from .table import Scenario, Setting

# systemd's default for TimeoutStopSec.
STOP_TIMEOUT_S = 90
# An account of no privileges in the host. It is root of the namespace above, so no second account has to exist.
ACCOUNT = "1000"
# As `nix/modules` calls the unit and its folders.
ORIGIN = "hls-test-origin"


def flags(settings: dict[str, Setting]) -> list[str]:
    """Settings as flags: true is a switch, false is left out, a list is a flag several times."""
    words: list[str] = []
    for name, value in settings.items():
        match value:
            case True:
                words.append(f"--{name}")
            case False:
                pass
            case list():
                words += [word for one in value for word in (f"--{name}", one)]
            case _:
                words += [f"--{name}", str(value)]
    return words


class Unit:
    """A service that can be started and stopped any number of times. `name` ends in `.service`."""

    def __init__(self, name: str, argv: list[str], host: Host) -> None:
        self.name = name
        self._argv = argv
        self._host = host
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._log = host.folder / f"{name.removesuffix('.service')}.log"

    @property
    def state(self) -> str:
        """`active`, `inactive` (never started, stopped, or ended with 0) or `failed`."""
        if self._process is None:
            return "inactive"
        code = self._process.poll()
        if code is None:
            return "active"
        return "failed" if code != 0 else "inactive"

    def start(self) -> None:
        """Returns when its process exists, as systemd's `Type=exec`; nothing happens when it is active."""
        if self.state == "active":
            return
        folder = self.name.removesuffix(".service")
        told, tell = os.pipe()
        script = (
            f"mkdir -p /run/{folder} /var/log/{folder}; echo $$ >&{tell}; "
            f"exec unshare --user --map-user={ACCOUNT} --map-group={ACCOUNT} {shlex.join(self._argv)} {tell}>&-"
        )
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._host.enter("bash", "-euc", script),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._host.environment,
                pass_fds=[tell],
            )
        os.close(tell)
        with os.fdopen(told) as pipe:
            self._pid = int(pipe.readline())

    def stop(self) -> None:
        """SIGTERM, then SIGKILL after `STOP_TIMEOUT_S`. Returns when it has ended; one that has failed stays so."""
        if self._process is None or self._process.poll() is not None:
            return
        self._signal("TERM")
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._signal("KILL")
            self._process.wait()
        # As for systemd, an end by the signal that it was sent is a clean one.
        if self._process.returncode == -signal.SIGTERM:
            self._process = None

    def _signal(self, name: str) -> None:
        # Its number is the host's. It may have ended in this moment, which is what we want.
        subprocess.run(self._host.enter("kill", f"-{name}", str(self._pid)), stderr=subprocess.DEVNULL, check=False)


def service(entry: Entry, scenario: Scenario, host: Host) -> Unit | None:
    """The service of a host; a swarm is a program that scripts run, and has none."""
    match entry.role:
        case "origin":
            places = {"dir": f"/run/{ORIGIN}", "cache-dir": "/run/lab/media"}
            return Unit(f"{ORIGIN}.service", ["test-origin", *flags({**places, **entry.settings})], host)
        case "observer":
            argv = observer.command(scenario, entry.settings, host.folder / "tmp")
            return Unit("prometheus.service", argv, host)
        case _:
            return None


def search_path() -> str:
    """Of commands and services: the programs under test first, then what this machine has."""
    return f"/run/lab/bin:{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"


def exists(path: Path) -> bool:
    """Whether a program that a host shall have is there."""
    return path.is_file() and os.access(path, os.X_OK)
