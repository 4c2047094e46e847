"""One scenario in a world of its own. Runs as the first process of new namespaces: see `__init__`.

It starts the hosts, gives the script the names that the NixOS test driver gives it, and ends with 0 when the script
came to its end. Its end is the end of everything in the world.
"""

from __future__ import annotations

import argparse
import code
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import observer, table, unit
from .host import NETWORK, Host, Site, make_bridge
from .machine import Machine, NotAvailable, RequestedAssertionFailed, retry
from .timeline import Timeline

HELPERS = table.TESTS / "common" / "helpers.py"


class World:
    """The hosts of a scenario, and the names that its script sees."""

    def __init__(self, scenario: table.Scenario, site: Site, timeline: Timeline) -> None:
        self._scenario = scenario
        self._site = site
        self.timeline = timeline
        self._hosts_file = site.folder / "hosts"
        lines = [f"{NETWORK}.{number} {host.name}" for number, host in self._numbered()]
        self._hosts_file.write_text("127.0.0.1 localhost\n::1 localhost\n" + "\n".join(lines) + "\n")
        make_bridge()
        self.machines = [self._machine(number, host) for number, host in self._numbered()]

    def _numbered(self) -> Iterator[tuple[int, table.Host]]:
        return enumerate(self._scenario.hosts, start=1)

    def _machine(self, number: int, entry: table.Host) -> Machine:
        def boot() -> tuple[Host, unit.Unit | None]:
            host = Host(entry.name, number, self._hosts_file, self._site)
            return host, unit.service(entry, self._scenario, host)

        return Machine(entry.name, boot, self.timeline)

    def start_all(self) -> None:
        """Boots every host that has not booted."""
        for machine in self.machines:
            machine.start()

    @contextmanager
    def subtest(self, name: str) -> Iterator[None]:
        """A part of a script, under a name."""
        with self.timeline.step(f"subtest: {name}"):
            try:
                yield
            except Exception as error:
                self.timeline.say(f'Test "{name}" failed with error: "{error}"')
                raise

    def symbols(self) -> dict[str, Any]:
        """What a script can name."""
        return {
            "start_all": self.start_all,
            "subtest": self.subtest,
            "retry": retry,
            "machines": self.machines,
            **{machine.name: machine for machine in self.machines},
        }

    def run(self) -> bool:
        """Runs the helpers and the script, as one text would run. Returns whether it came to its end."""
        symbols = self.symbols()
        try:
            for file in (HELPERS, self._scenario.script):
                exec(compile(file.read_text(), file, "exec"), symbols)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            # Where in the script, not where in this package.
            ours = Path(__file__).parent
            for line in traceback.format_list([frame for frame in frames if Path(frame.filename).parent != ours]):
                self.timeline.say(line.rstrip())
            self.timeline.say(f"{type(error).__name__}: {error}")
            if not isinstance(error, (RequestedAssertionFailed, AssertionError, NotAvailable)):
                self.timeline.say("".join(traceback.format_exception(error)))
            return False
        return True


def variables(scenario: table.Scenario) -> dict[str, str]:
    """What scripts find in the environment of each host, so that no script repeats a port or a path.

    The swarm's settings are there as its own variables; `common/lab.nix` sets the same on virtual machines.
    """
    found: dict[str, str] = {}
    for host in scenario.hosts:
        if host.role == "origin":
            scheme = "https" if host.settings["profile"] == "tls" else "http"
            base = f"{scheme}://{host.name}:{host.settings['port']}"
            found[f"{host.name.upper()}_URL"] = base
            found.setdefault("STREAM", f"{base}/stream.m3u8")
            found["ACCESS_LOG"] = str(host.settings["access-log"])
            # For `test-origin fault`.
            found["HLSORIGIN_ADMIN"] = str(host.settings["admin"])
        if host.role == "observer":
            found[f"{host.name.upper()}_URL"] = f"http://{host.name}:{observer.PORT}"
        if host.role == "swarm":
            _, _, port = str(host.settings["metrics"]).rpartition(":")
            found[f"{host.name.upper()}_URL"] = f"http://{host.name}:{port}"
            # Its settings, for whoever runs it.
            found |= {f"HLSSWARM_{name.upper()}": str(value) for name, value in host.settings.items()}
    return found


def _die_with(keepalive: int) -> None:
    """Ends the world when whoever holds the other end of the pipe is gone, however that came about."""

    def watch() -> None:
        os.read(keepalive, 1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    """Returns 0 when the scenario passed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario")
    parser.add_argument("--tests", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--program", type=Path, action="append", default=[])
    parser.add_argument("--keepalive", type=int, required=True)
    parser.add_argument("--interactive", action="store_true")
    args = parser.parse_args()
    _die_with(args.keepalive)
    # The kernel ignores what the first process of a namespace has no handler for.
    for number in (signal.SIGTERM, signal.SIGHUP) + (() if args.interactive else (signal.SIGINT,)):
        signal.signal(number, lambda *_: os._exit(1))

    scenario = table.read(args.tests)[args.scenario]
    environment = {"PATH": unit.search_path(), "HOME": "/tmp", "LANG": "C.UTF-8", **variables(scenario)}
    site = Site(args.folder, tuple(args.program), args.media, environment)
    timeline = Timeline(args.folder / "timeline.log")
    world = World(scenario, site, timeline)
    if args.interactive:
        names = ", ".join(world.symbols())
        symbols = {**world.symbols(), "test_script": world.run}
        exec(compile(HELPERS.read_text(), HELPERS, "exec"), symbols)
        code.interact(f"{scenario.name}: {names}, test_script() and the helpers; Ctrl-D ends it", local=symbols)
        return 0
    return 0 if world.run() else 1


if __name__ == "__main__":
    sys.exit(main())
