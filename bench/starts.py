"""Whether swarm starts viewers as fast as it is asked to, and what a start takes of its own CPU: with a stand-in for FFmpeg
that costs next to nothing to start and then does nothing, so that the machine is free for swarm."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import processes
from .lab import Origin, Way, started, wait_for_viewers, wait_until

# Long enough for the pace to show, and short enough for no viewer to be given up.
SECONDS = 3.0
# What swarm asks of FFmpeg before a run, the real one answers. It waits for the opening of a pipe that nobody writes to.
STAND_IN = """#!/bin/sh
case " $* " in *" -i "*) read -r _ <"{pipe}" ;; *) exec "{ffmpeg}" "$@" ;; esac
"""


def starts(way: Way, origin: Origin, per_second: float) -> dict[str, Any]:
    """The pace from the first start to the last, and the CPU of swarm for each of them, with what else it does meanwhile."""
    viewers = round(per_second * SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        pipe, stand_in = Path(folder) / "pipe", Path(folder) / "ffmpeg"
        os.mkfifo(pipe)
        stand_in.write_text(STAND_IN.format(pipe=pipe, ffmpeg=way.ffmpeg))
        stand_in.chmod(0o755)
        command: list[str | Path] = [*replace(way, ffmpeg=str(stand_in)).command(viewers, per_second, origin.url)]
        with started(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
            wait_until(lambda: bool(processes.viewers(program.pid, origin.url)), "a viewer runs", 10)
            early = len(processes.viewers(program.pid, origin.url))
            before = processes.cpu_ns(program.pid)
            wait_for_viewers(program.pid, origin.url, viewers, per_second)
            taken_s = (processes.cpu_ns(program.pid) - before) / 1e9
            pids = processes.viewers(program.pid, origin.url)
            times = sorted(life.started_s for pid in pids if (life := processes.taken(pid)))
            resident = processes.resident_bytes(program.pid)
    return {
        "asked_per_s": per_second,
        "viewers": viewers,
        "started_per_s": (len(times) - 1) / (times[-1] - times[0]),
        "swarm_cpu_s": taken_s / (viewers - early),
        "swarm_resident_bytes": resident,
    }
