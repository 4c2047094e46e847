"""Starts the origin and the ways to play it, and ends them. Measures nothing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from . import processes

ROOT = Path(__file__).resolve().parent.parent
# `SWARM` names another build of it.
SWARM = Path(os.environ.get("SWARM", ROOT / "target/release/swarm"))
# The clip of the stream may have to be encoded first.
ORIGIN_TIMEOUT_S = 180
# swarm kills what does not end within two seconds.
END_TIMEOUT_S = 60
# After the last start: the first segments of a live stream are fetched at once, and two reloads later all is even. Pools and
# buffers, which stay, have filled by then.
SETTLE_S = 8.0

# What the loop of the README says before the stream and after it.
LOOP_FLAGS = ["-hide_banner", "-nostdin", "-loglevel", "error"]
LOOP_OUTPUT = ["-map", "0", "-c", "copy", "-f", "null", "-"]
# That loop, with a pause after each viewer, so that all ways start them at the same rate.
LOOP = f"""
trap : TERM
for viewer in $(seq "$1"); do
  "$4" {" ".join(LOOP_FLAGS)} -i "$3" {" ".join(LOOP_OUTPUT)} &
  sleep "$2"
done
# The signal that ends everything ends the first wait; the second waits for the viewers, which got it too.
wait
wait
"""


@dataclass(frozen=True)
class Way:
    """One way to play a stream many times. The `key` is its name in the results."""

    key: str
    name: str
    ffmpeg: str
    ffmpeg_name: str
    flags: tuple[str, ...] | None

    def command(self, viewers: int, per_second: float, url: str) -> list[str]:
        """Without flags it is the shell's loop, else swarm."""
        if self.flags is None:
            return ["bash", "-c", LOOP, "loop", str(viewers), f"{1 / per_second:.4f}", url, self.ffmpeg]
        load = ["-clients", str(viewers), "-ramp-rate", str(per_second), "-metrics", "off", "-seed", "1"]
        return [str(SWARM), *self.flags, *load, "-ffmpeg", self.ffmpeg, url]


def ways(lean: str, others: dict[str, str]) -> list[Way]:
    """`others` are further FFmpegs by name."""
    usual = shutil.which("ffmpeg") or "ffmpeg"
    return [
        Way("loop", "loop of FFmpegs", usual, "FFmpeg", None),
        Way("direct", "`swarm -direct`", usual, "FFmpeg", ("-direct",)),
        Way("swarm", "`swarm`", usual, "FFmpeg", ()),
        Way("lean", "`swarm`, lean FFmpeg", lean, "lean FFmpeg", ()),
        *(Way(name, f"`swarm`, FFmpeg {name}", path, f"FFmpeg {name}", ()) for name, path in others.items()),
    ]


@dataclass(frozen=True)
class Origin:
    """A live stream on this machine."""

    pid: int
    url: str

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.url).port or 80


@contextmanager
def origin() -> Iterator[Origin]:
    """The stream of stream.toml, until the block ends."""
    command: list[str | Path] = [ROOT / "target/release/test-origin", "--profile-file", ROOT / "bench/stream.toml", "--port", "0"]
    with tempfile.TemporaryFile("w+") as said, started(command, stdout=subprocess.PIPE, stderr=said) as program:
        assert program.stdout
        url = program.stdout.readline().strip()
        if not url:
            said.seek(0)
            raise SystemExit(f"bench: the origin did not start:\n{said.read()}")
        yield Origin(program.pid, url)


@contextmanager
def started(command: list[str | Path], **streams: object) -> Iterator[subprocess.Popen[str]]:
    """A program in a process group of its own; asked to end when the block does, and killed when it does not."""
    streams.setdefault("stdin", subprocess.DEVNULL)
    program: subprocess.Popen[str] = subprocess.Popen(  # type: ignore[call-overload]
        [str(word) for word in command], text=True, start_new_session=True, **streams
    )
    try:
        yield program
    finally:
        end(program)


def end(program: subprocess.Popen[str]) -> float:
    """Ends a program and its group with SIGTERM, and says how many seconds it took."""
    began = time.monotonic()
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(program.pid, number)
        except ProcessLookupError:
            break
        try:
            program.wait(END_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            continue
        break
    return time.monotonic() - began


def wait_until(is_so: Callable[[], bool], what: str, timeout_s: float) -> None:
    """Looks ten times per second. Ends the bench when it does not come to be."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            raise SystemExit(f"bench: waited {timeout_s:.0f} s in vain until {what}")
        time.sleep(0.1)


def wait_for_viewers(parent: int, url: str, count: int, per_second: float) -> None:
    """Until so many FFmpegs have started, on a machine that takes three times as long as it should and a minute more."""
    wait_until(lambda: len(processes.viewers(parent, url)) >= count, f"{count} FFmpegs run", count / per_second * 3 + 60)


@contextmanager
def playing(way: Way, origin: Origin, viewers: int, per_second: float) -> Iterator[subprocess.Popen[str]]:
    """What starts the viewers, once all of them have started and settled; ended with them when the block ends."""
    command: list[str | Path] = [*way.command(viewers, per_second, origin.url)]
    with started(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as program:
        wait_for_viewers(program.pid, origin.url, viewers, per_second)
        time.sleep(SETTLE_S)
        yield program


def nginx() -> str:
    """It is in no ordinary user's PATH on Debian."""
    return shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"
