"""What an option or a variable costs or saves an FFmpeg. Groups that differ in one thing play at the same time, their
members started in turn, so that whatever else happens on the machine happens to all of them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from . import processes
from .lab import Origin, started
from .measure import SETTLE_S

# As swarm starts a viewer, but for what depends on the run (docs/FFMPEG_HLS_REFERENCE.md).
VIEWER = (
    "-hide_banner -nostdin -nostats -loglevel level+warning -progress pipe:1 -stats_period 1 -max_reload 6 -threads 1 "
    "-probesize 2000000 -analyzeduration 500000 -allowed_extensions ALL -rw_timeout 20000000"
).split()
# As the loop of the README does.
LOOP = "-hide_banner -nostdin -loglevel error".split()
OUTPUT = "-map 0 -c copy -f null -".split()
# Nobody wants to wait for a hundred starts, and no group shall have the machine for itself while it starts.
PAUSE_S = 0.05


@dataclass(frozen=True)
class Group:
    """FFmpegs that differ from the others in one thing."""

    name: str
    flags: list[str] = field(default_factory=lambda: VIEWER)
    variables: dict[str, str] = field(default_factory=dict)


GROUPS = (
    Group("as `swarm -direct` starts it"),
    Group("the same again"),
    Group("as the loop starts it", LOOP),
    Group("`-stats_period 5`, as on the wire", [*VIEWER, "-stats_period", "5"]),
    Group("no `-progress`", [flag for flag in VIEWER if flag not in ("-progress", "pipe:1")]),
    Group("FFmpeg's own `-probesize` and `-analyzeduration`", [*VIEWER, "-probesize", "5000000", "-analyzeduration", "5000000"]),
    Group("FFmpeg's own `-threads`", [*VIEWER, "-threads", "auto"]),
    Group("no `-rw_timeout`", [*VIEWER, "-rw_timeout", "0"]),
    Group("`LC_ALL=C`", variables={"LC_ALL": "C"}),
    Group("`MALLOC_ARENA_MAX=1`", variables={"MALLOC_ARENA_MAX": "1"}),
    Group("`MALLOC_TRIM_THRESHOLD_=4194304`", variables={"MALLOC_TRIM_THRESHOLD_": "4194304"}),
    Group("`MALLOC_TOP_PAD_=262144`", variables={"MALLOC_TOP_PAD_": "262144"}),
)


def options(ffmpeg: str, origin: Origin, each: int, playing_s: float) -> list[dict[str, Any]]:
    """A row for each group of `each` FFmpegs: medians of memory and CPU."""
    groups: list[list[int]] = [[] for _ in GROUPS]
    rows: list[dict[str, Any]] = []
    with ExitStack() as programs:
        for _ in range(each):
            for group, pids in zip(GROUPS, groups):
                pids.append(programs.enter_context(_playing(ffmpeg, group, origin.url)))
                time.sleep(PAUSE_S)
        time.sleep(SETTLE_S)
        began, before = time.monotonic(), [[processes.cpu_ns(pid) for pid in pids] for pids in groups]
        time.sleep(playing_s)
        elapsed_s = time.monotonic() - began
        for group, pids, had in zip(GROUPS, groups, before):
            taken = [(processes.cpu_ns(pid) - then) / 1e6 / elapsed_s for pid, then in zip(pids, had)]
            memory = median(processes.pss_bytes(pid) for pid in pids)
            rows.append({"name": group.name, "cpu_ms_per_s": median(taken), "pss_bytes": memory})
        # All at once: an FFmpeg that waits for a playlist takes its time.
        for pid in (pid for pids in groups for pid in pids):
            os.killpg(pid, signal.SIGTERM)
    return rows


@contextmanager
def _playing(ffmpeg: str, group: Group, url: str) -> Iterator[int]:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [ffmpeg, *group.flags, "-i", url, *OUTPUT]
    with started(list(command), env={**os.environ, **group.variables}, **quiet) as program:
        yield program.pid
