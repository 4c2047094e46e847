"""What a user gets: the size of the program, and how soon it answers."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

MOST_BYTES = 12_000_000
MOST_HELP_S = 0.010
# The quickest counts: what else the machine does makes an answer later, never sooner.
TRIES = 30


def binary(program: Path) -> list[str]:
    """What is too much, one sentence each."""
    size = program.stat().st_size
    help_s = min(_asked(program) for _ in range(TRIES))
    print(f"{program.name}: {size / 1e6:.1f} MB, --help in {help_s * 1e3:.1f} ms")
    found = []
    if size > MOST_BYTES:
        found.append(f"{program.name} has {size / 1e6:.1f} MB, more than {MOST_BYTES / 1e6:g}: is it stripped?")
    if help_s > MOST_HELP_S:
        found.append(f"{program.name} --help took {help_s * 1e3:.1f} ms, more than {MOST_HELP_S * 1e3:g}")
    return found


def _asked(program: Path) -> float:
    began = time.perf_counter()
    subprocess.run([program, "--help"], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began
