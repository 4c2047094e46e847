"""What an option or a variable costs or saves an FFmpeg. Groups that differ in one thing play at the same time, their
members started in turn, so that whatever else happens on the machine happens to all of them."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from . import processes
from .lab import LOOP_FLAGS, LOOP_OUTPUT, SETTLE_S, SWARM, Origin, started

# Nobody wants to wait for a hundred starts, and no group shall have the machine for itself while it starts.
PAUSE_S = 0.05


@dataclass(frozen=True)
class Group:
    """FFmpegs that differ from the others in one thing: what is made of the flags before `-i`, or of the environment."""

    name: str
    change: Callable[[list[str]], list[str]] = list
    variables: dict[str, str] = field(default_factory=dict)


def _more(*flags: str) -> Callable[[list[str]], list[str]]:
    """The last of a flag counts."""
    return lambda viewer: [*viewer, *flags]


GROUPS = (
    Group("as `swarm -direct` starts it"),
    Group("the same again"),
    Group("as the loop starts it", lambda _: LOOP_FLAGS),
    Group("`-stats_period 5`, as on the wire", _more("-stats_period", "5")),
    Group("no `-progress`", lambda viewer: [flag for flag in viewer if flag not in ("-progress", "pipe:1")]),
    Group("FFmpeg's own `-probesize` and `-analyzeduration`", _more("-probesize", "5000000", "-analyzeduration", "5000000")),
    Group("FFmpeg's own `-threads`", _more("-threads", "auto")),
    Group("no `-rw_timeout`", _more("-rw_timeout", "0")),
    Group("`LC_ALL=C`", variables={"LC_ALL": "C"}),
    Group("`MALLOC_ARENA_MAX=1`", variables={"MALLOC_ARENA_MAX": "1"}),
    Group("`MALLOC_TRIM_THRESHOLD_=4194304`", variables={"MALLOC_TRIM_THRESHOLD_": "4194304"}),
    Group("`MALLOC_TOP_PAD_=262144`", variables={"MALLOC_TOP_PAD_": "262144"}),
)


def options(ffmpeg: str, origin: Origin, each: int, playing_s: float) -> list[dict[str, Any]]:
    """A row for each group of `each` FFmpegs: medians of memory and CPU."""
    groups: list[list[int]] = [[] for _ in GROUPS]
    viewer = _flags(ffmpeg, origin.url)
    rows: list[dict[str, Any]] = []
    with ExitStack() as programs:
        for _ in range(each):
            for group, pids in zip(GROUPS, groups):
                command: list[str | Path] = [ffmpeg, *group.change(viewer), "-i", origin.url, *LOOP_OUTPUT]
                env = {**os.environ, **group.variables}
                quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
                pids.append(programs.enter_context(started(command, env=env, **quiet)).pid)
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


def _flags(ffmpeg: str, url: str) -> list[str]:
    """What stands before `-i` where swarm starts a viewer without the wire, in its own words."""
    command = [str(SWARM), "-direct", "-print-cmd", "-ffmpeg", ffmpeg, url]
    words = shlex.split(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return words[1 : words.index("-i")]
