"""Where swarm's own CPU goes while it holds many viewers: `perf` on its threads, folded into stacks."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .lab import Origin, Way, playing

# No multiple of anything that happens once per second or ten times.
SAMPLES_PER_S = 497
# As much as a reader takes in.
ENTRIES = 10
FRAME = re.compile(r"^\s*[0-9a-f]+ (.*?)(?:\+0x[0-9a-f]+)? \((.*)\)$")
SYSTEM_CALL = "__x64_sys_"


@dataclass(frozen=True)
class Frame:
    """A function, and the file of the program, library or kernel that it is in."""

    name: str
    file: str


# The thread's name, and its frames, the outermost first.
Stack = tuple[str, tuple[Frame, ...]]


def profile(way: Way, origin: Origin, viewers: int, per_second: float, playing_s: float) -> dict[str, Any]:
    """Stacks of `viewers` that play, folded as flame graphs want them, and where most of the time went."""
    with playing(way, origin, viewers, per_second) as program, tempfile.TemporaryDirectory() as folder:
        threads = ",".join(thread.name for thread in Path(f"/proc/{program.pid}/task").iterdir())
        data = f"{folder}/perf.data"
        record = ["perf", "record", "--quiet", f"--freq={SAMPLES_PER_S}", "-g", f"--tid={threads}", f"--output={data}"]
        subprocess.run([*record, "--", "sleep", f"{playing_s:g}"], check=True)
        script = subprocess.run(
            ["perf", "script", f"--input={data}", "--fields=comm,ip,sym,dso"], capture_output=True, text=True, check=True
        )
    print(script.stderr, file=sys.stderr, end="")
    stacks = counted(script.stdout)
    names = {";".join([thread, *(frame.name for frame in frames)]): count for (thread, frames), count in stacks.items()}
    return {"stacks": names, "shares": shares(stacks)}


def counted(script: str) -> Counter[Stack]:
    """How often each stack was seen. Of a sample `perf script` gives a line with the thread's name, one for each frame, the
    innermost first, and an empty line."""
    stacks: Counter[Stack] = Counter()
    for sample in script.strip("\n").split("\n\n"):
        thread, *lines = sample.splitlines()
        frames = [Frame(found[1], found[2]) for line in reversed(lines) if (found := FRAME.match(line))]
        # A sample without a stack was taken in the moment of a thread's end.
        if frames:
            stacks[(thread.strip(), tuple(frames))] += 1
    return stacks


def shares(stacks: Counter[Stack]) -> list[tuple[str, str, float]]:
    """Thread, what it was at, and the share of all samples: the largest."""
    total = sum(stacks.values())
    parts: Counter[tuple[str, str]] = Counter()
    for (thread, frames), count in stacks.items():
        parts[(thread, _at(frames))] += count
    return [(thread, at, count / total) for (thread, at), count in parts.most_common(ENTRIES)]


def _at(frames: tuple[Frame, ...]) -> str:
    for frame in frames:
        if frame.name.startswith(SYSTEM_CALL):
            return f"`{frame.name.removeprefix(SYSTEM_CALL)}`"
    file = Path(frames[-1].file).name
    if "kernel" in file:
        return "the kernel's entries, interrupts and clock"
    return "the C library" if file.startswith("libc") else "its own code"
