"""The machine that a measurement was made on, and how much else it did meanwhile."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from .processes import TICKS_PER_S

# CPU time of others, as a share of all cores: above it a round is made again. Their work takes caches and memory from
# ours, and a viewer that waits for a core works in larger pieces.
NOISY_SHARE = 0.05


@dataclass(frozen=True)
class Clock:
    """CPU time of the whole machine since boot, in seconds."""

    at_s: float
    busy_s: float
    stolen_s: float

    @classmethod
    def now(cls) -> Clock:
        """user, nice, system, irq and softirq count as busy; steal is what other virtual machines took."""
        row = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
        user, nice, system, _idle, _wait, irq, softirq, steal = (int(field) / TICKS_PER_S for field in row[:8])
        return cls(time.monotonic(), user + nice + system + irq + softirq, steal)

    def noise_until(self, later: Clock, ours_s: float) -> float:
        """The share of all cores that neither we nor nobody had, when we took `ours_s`."""
        others_s = max(0.0, later.busy_s - self.busy_s - ours_s) + later.stolen_s - self.stolen_s
        return others_s / ((later.at_s - self.at_s) * cores())


def cores() -> int:
    """Those that we may use."""
    return len(os.sched_getaffinity(0))


def description() -> dict[str, str]:
    """What a figure depends on, as a person would tell it."""
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    release = re.search(r'PRETTY_NAME="(.*)"', Path("/etc/os-release").read_text())
    return {
        "cores": str(cores()),
        "cpu": cpu[1] if cpu else platform.machine(),
        "memory": f"{int(memory[1]) / 1024 ** 2:.1f} GiB" if memory else "unknown",
        "system": release[1] if release else platform.system(),
        "kernel": platform.release(),
    }


def version(program: str, *flags: str) -> str:
    """The first version number that a program says of itself."""
    said = subprocess.run([program, *flags], capture_output=True, text=True, check=True)
    found = re.search(r"\d+\.\d+[\w.+~-]*", said.stdout + said.stderr)
    return found[0] if found else "unknown"
