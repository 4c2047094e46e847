"""What processes take, as the kernel accounts for it. Reads /proc only."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
ESTABLISHED = "01"


@dataclass(frozen=True)
class Taken:
    """CPU of a process since it started, in seconds; when it started, in seconds since boot; its threads."""

    cpu_s: float
    started_s: float
    threads: int


def taken(pid: int) -> Taken | None:
    """`None` when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name before it may hold spaces and brackets.
    fields = text.rpartition(")")[2].split()
    return Taken((int(fields[11]) + int(fields[12])) / TICKS_PER_S, int(fields[19]) / TICKS_PER_S, int(fields[17]))


def cpu_ns(pid: int) -> int:
    """CPU of all threads of a process that have not ended, in nanoseconds: finer than the clock's ticks. 0 when it is gone."""
    total = 0
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            total += int((thread / "schedstat").read_text().split()[0])
    except (FileNotFoundError, ProcessLookupError):
        return total
    return total


def cpu_of(pids: Iterable[int]) -> float:
    """CPU of all of them, in seconds."""
    return sum(cpu_ns(pid) for pid in pids) / 1e9


def pss_bytes(pid: int) -> int:
    """Memory of a process, shared pages divided among those that share them. 0 when it is gone."""
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") * 1024


def resident_bytes(pid: int) -> int:
    """Memory of a process, shared pages in full. 0 when it is gone."""
    return _kilobytes(Path(f"/proc/{pid}/status"), "VmRSS:") * 1024


def descriptors(pid: int) -> int:
    """Open files of a process."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def children(pid: int) -> list[int]:
    """Processes that any thread of `pid` started and that have not been waited for."""
    found: list[int] = []
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (thread / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return found
    return found


def family(pid: int) -> list[int]:
    """`pid`, its children, theirs, and so on."""
    return [pid, *(member for child in children(pid) for member in family(child))]


def viewers(pid: int, url: str) -> list[int]:
    """Children of `pid` that play `url`."""
    return [child for child in children(pid) if _plays(child, url)]


def connections(port: int) -> int:
    """Open TCP connections to a port of this machine, each counted once."""
    wanted = f"{port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{wanted}") and row[3] == ESTABLISHED for row in rows)


def _plays(pid: int, url: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return url in words and "null" in words


def _kilobytes(file: Path, name: str) -> int:
    try:
        lines = file.read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)
