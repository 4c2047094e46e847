"""What a script sees of a host: the part of the NixOS test driver's `Machine` that the scenarios use.

Signatures, defaults, results, errors and pauses are those of the driver (`driver.pyi` states them, and is checked
against this file). What is not here fails with "not available on namespaces", so that a script does not lean on
something that one world has and the other has not.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from typing import NoReturn

from .host import Host
from .timeline import Timeline
from .unit import Unit

# The driver's default for everything that waits.
TIMEOUT_S = 900
# The driver tries once a second.
PAUSE_S = 1


class RequestedAssertionFailed(AssertionError):
    """Something that a script demanded is not so. The driver's exception of this name."""


class NotAvailable(AttributeError):
    """A script asked for something that only virtual machines have."""


def retry(fn: Callable[[bool], bool], timeout: int = TIMEOUT_S) -> None:
    """Calls `fn` once a second until it returns true; its argument is true in the last attempt."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if fn(False):
            return
        time.sleep(PAUSE_S)
    if not fn(True):
        raise RequestedAssertionFailed(f"action timed out after {timeout} s of one-second pauses")


class Machine:
    """A host that boots when it is first used, and its service."""

    def __init__(self, name: str, boot: Callable[[], tuple[Host, Unit | None]], timeline: Timeline) -> None:
        self.name = name
        self._boot = boot
        self._timeline = timeline
        self._booted: tuple[Host, Unit | None] | None = None

    def __getattr__(self, name: str) -> NoReturn:
        raise NotAvailable(f"{self.name}.{name} is not available on namespaces")

    @property
    def _host(self) -> Host:
        self.start()
        assert self._booted is not None
        return self._booted[0]

    def _unit(self, name: str) -> Unit:
        self.start()
        assert self._booted is not None
        unit = self._booted[1]
        full = name if "." in name else f"{name}.service"
        if unit is None or unit.name != full:
            raise NotAvailable(f"{self.name}: unit {full} is not available on namespaces")
        return unit

    def start(self) -> None:
        """Boots the host, unless it has."""
        if self._booted is None:
            with self._timeline.step(f"{self.name}: start"):
                host, unit = self._boot()
                if unit is not None:
                    unit.start()
                self._booted = (host, unit)

    def log(self, msg: str) -> None:
        """Writes a line into the timeline."""
        self._timeline.say(f"{self.name}: {msg}")

    def execute(self, command: str) -> tuple[int, str]:
        """Runs it in bash with `set -euo pipefail`; returns its status, and its output once nobody holds it any more.

        A command that takes longer than `TIMEOUT_S` is ended, with status 124.
        """
        return self._run(command, TIMEOUT_S)

    def _run(self, command: str, timeout_s: int | None) -> tuple[int, str]:
        limit = [] if timeout_s is None else ["timeout", str(timeout_s)]
        argv = self._host.enter(*limit, "bash", "-c", f"cd /tmp; set -euo pipefail; {command}")
        with (self._host.folder / "stderr.log").open("ab") as errors:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=self._host.environment,
                check=False,
            )
        code = done.returncode
        return (code if code >= 0 else 128 - code), done.stdout.decode(errors="replace")

    def succeed(self, *commands: str) -> str:
        """Runs each, and returns what they said. Raises when one fails."""
        output = ""
        for command in commands:
            with self._timeline.step(f"{self.name}: must succeed: {command}"):
                status, said = self._run(command, None)
                if status != 0:
                    self.log(f"output: {said}")
                    raise RequestedAssertionFailed(f"command `{command}` failed (exit code {status})")
                output += said
        return output

    def fail(self, *commands: str) -> str:
        """Runs each, and returns what they said. Raises when one succeeds."""
        output = ""
        for command in commands:
            with self._timeline.step(f"{self.name}: must fail: {command}"):
                status, said = self._run(command, None)
                if status == 0:
                    raise RequestedAssertionFailed(f"command `{command}` unexpectedly succeeded")
                output += said
        return output

    def wait_until_succeeds(self, command: str, timeout: int = TIMEOUT_S) -> str:
        """Runs it once a second until it succeeds, and returns what it said then."""
        return self._wait_for_status(command, timeout, "success", lambda status: status == 0)

    def wait_until_fails(self, command: str, timeout: int = TIMEOUT_S) -> str:
        """Runs it once a second until it fails, and returns what it said then."""
        return self._wait_for_status(command, timeout, "failure", lambda status: status != 0)

    def _wait_for_status(self, command: str, timeout: int, wanted: str, fits: Callable[[int], bool]) -> str:
        output = ""

        def attempt(_last: bool) -> bool:
            nonlocal output
            status, output = self._run(command, timeout)
            return fits(status)

        with self._timeline.step(f"{self.name}: waiting for {wanted}: {command}"):
            retry(attempt, timeout)
        return output

    def wait_for_file(self, filename: str, timeout: int = TIMEOUT_S) -> None:
        """Waits until the file exists."""
        self._wait_for_status(f"test -e {filename}", timeout, "success", lambda status: status == 0)

    def wait_for_open_port(self, port: int, addr: str = "localhost", timeout: int = TIMEOUT_S) -> None:
        """Waits until somebody listens there."""
        self._wait_for_status(_connect(port, addr), timeout, "success", lambda status: status == 0)

    def wait_for_closed_port(self, port: int, addr: str = "localhost", timeout: int = TIMEOUT_S) -> None:
        """Waits until nobody listens there."""
        self._wait_for_status(_connect(port, addr), timeout, "failure", lambda status: status != 0)

    def wait_for_unit(self, unit: str, user: None = None, timeout: int = TIMEOUT_S) -> None:
        """Waits until it is active. Raises when it has failed, or is inactive."""
        service = self._unit(unit)

        def attempt(_last: bool) -> bool:
            state = service.state
            if state == "failed":
                raise RequestedAssertionFailed(f'unit "{unit}" reached state "{state}"')
            if state == "inactive":
                raise RequestedAssertionFailed(f'unit "{unit}" is inactive and there are no pending jobs')
            return state == "active"

        with self._timeline.step(f"{self.name}: waiting for unit {unit}"):
            retry(attempt, timeout)

    def require_unit_state(self, unit: str, require_state: str = "active") -> None:
        """Raises when it is not in this state."""
        state = self._unit(unit).state
        if state != require_state:
            raise RequestedAssertionFailed(
                f"Expected unit '{unit}' to to be in state '{require_state}' but it is in state '{state}'"
            )

    def systemctl(self, q: str) -> tuple[int, str]:
        """`start`, `stop`, `restart` or `is-active` of the host's service."""
        words = re.fullmatch(r"(start|stop|restart|is-active) (\S+)", q)
        if words is None:
            raise NotAvailable(f"{self.name}: systemctl {q} is not available on namespaces")
        unit = self._unit(words[2])
        with self._timeline.step(f"{self.name}: systemctl {q}"):
            if words[1] in ("stop", "restart"):
                unit.stop()
            if words[1] in ("start", "restart"):
                unit.start()
        if words[1] == "is-active":
            return (0 if unit.state == "active" else 3), f"{unit.state}\n"
        return 0, ""

    def start_job(self, jobname: str) -> tuple[int, str]:
        """Starts the host's service."""
        return self.systemctl(f"start {jobname}")

    def stop_job(self, jobname: str) -> tuple[int, str]:
        """Stops the host's service, and returns when it has ended."""
        return self.systemctl(f"stop {jobname}")

    def block(self) -> None:
        """Pulls the host's network cable."""
        self.log("block")
        self._host.set_link("down")

    def unblock(self) -> None:
        """Plugs the host's network cable in again."""
        self.log("unblock")
        self._host.set_link("up")


def _connect(port: int, addr: str) -> str:
    return f"timeout 5 bash -c 'exec 3<>/dev/tcp/{addr}/{port}' 2>/dev/null"
