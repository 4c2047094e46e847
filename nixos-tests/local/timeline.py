"""What happened when in a world: one line per step, on stderr and in a file that is kept when the scenario failed."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Timeline:
    """Each line is written at once, so that a world which is killed leaves everything up to that moment."""

    def __init__(self, file: Path) -> None:
        self._started = time.monotonic()
        self._file = file.open("w", encoding="utf-8", buffering=1)
        self._depth = 0

    def say(self, text: str) -> None:
        """One step, with seconds since the world began."""
        for line in text.splitlines() or [""]:
            line = f"{time.monotonic() - self._started:8.3f}  {'  ' * self._depth}{line}"
            print(line, file=self._file)
            print(line, file=sys.stderr, flush=True)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """A step that takes time and has steps within."""
        self.say(text)
        self._depth += 1
        begun = time.monotonic()
        try:
            yield
        finally:
            self.say(f"({time.monotonic() - begun:.2f} s)")
            self._depth -= 1
