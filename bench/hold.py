"""Holds many viewers for a while, and says whether all was well: in the words of swarm's own report."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from . import processes
from .lab import SETTLE_S, Origin, Way, end, started, wait_for_viewers
from .measure import watch


def hold(way: Way, origin: Origin, viewers: int, per_second: float, held_s: float) -> dict[str, Any]:
    """What was measured while they were held, the verdict, and how the end was. Only for ways of swarm, which judges."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        flags: list[str | Path] = [*way.command(viewers, per_second, origin.url)[:-1], "-report", report, origin.url]
        with started(flags, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
            began = time.clock_gettime(time.CLOCK_BOOTTIME)
            wait_for_viewers(program.pid, origin.url, viewers, per_second)
            pids = processes.viewers(program.pid, origin.url)
            last_start_s = max(life.started_s for pid in pids if (life := processes.taken(pid))) - began
            time.sleep(SETTLE_S)
            seen = watch(way.key, program.pid, origin, held_s)
            stop_s = end(program)
            assert program.stdout
            print(program.stdout.read())
        orphans = [pid for pid in pids if os.path.exists(f"/proc/{pid}")]
        told = json.loads(report.read_text())
    return {
        **seen.row(),
        "rate": per_second,
        "held_s": held_s,
        "last_start_s": last_start_s,
        "stop_s": stop_s,
        "orphans": len(orphans),
        "verdict": told["verdict"]["state"],
    }
