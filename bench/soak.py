"""Whether swarm grows while its viewers play on: memory, descriptors, threads, by the slope of a line through all samples."""

from __future__ import annotations

import time
from collections.abc import Sequence
from statistics import linear_regression

from . import processes
from .lab import Origin, Way, playing

SAMPLE_EVERY_S = 1.0
# What a run keeps by design: a row of figures for each second (a few kB), whose list doubles now and then.
MOST_BYTES_PER_S = 20_000.0
# Connections open and close while viewers play; a leak of one per reload would be hundreds per minute.
MOST_DESCRIPTORS_PER_S = 0.2
# Threads do not come and go.
MOST_THREADS_PER_S = 0.01


def soak(way: Way, origin: Origin, viewers: int, per_second: float, playing_s: float) -> list[str]:
    """What grew, one sentence each; empty when nothing did."""
    samples: list[tuple[float, int, int, int]] = []
    with playing(way, origin, viewers, per_second) as program:
        began, before = time.monotonic(), processes.viewers(program.pid, origin.url)
        while (now := time.monotonic() - began) < playing_s:
            seen = processes.taken(program.pid)
            if not seen:
                return [f"swarm ended after {now:.0f} s"]
            samples.append((now, processes.resident_bytes(program.pid), processes.descriptors(program.pid), seen.threads))
            time.sleep(SAMPLE_EVERY_S)
        restarted = len(set(before) - set(processes.viewers(program.pid, origin.url)))
    print(report(samples))
    return grown(samples) + ([f"{restarted} viewers were started again"] if restarted else [])


def report(samples: Sequence[tuple[float, int, int, int]]) -> str:
    """First and last figures, and the slopes."""
    (_, memory, files, threads), (seconds, memory_then, files_then, threads_then) = samples[0], samples[-1]
    slopes = [f"{slope(samples, column):.2f}" for column in (1, 2, 3)]
    return (
        f"in {seconds:.0f} s: memory {memory / 1e6:.1f} to {memory_then / 1e6:.1f} MB ({slopes[0]} B/s), descriptors {files} to "
        f"{files_then} ({slopes[1]}/s), threads {threads} to {threads_then} ({slopes[2]}/s)"
    )


def grown(samples: Sequence[tuple[float, int, int, int]]) -> list[str]:
    """What grows faster than it may. Samples are time in seconds, bytes, descriptors, threads."""
    bounds = (("memory", MOST_BYTES_PER_S, "B"), ("descriptors", MOST_DESCRIPTORS_PER_S, ""), ("threads", MOST_THREADS_PER_S, ""))
    found = []
    for column, (name, most, unit) in enumerate(bounds, start=1):
        slope_per_s = slope(samples, column)
        if slope_per_s > most:
            found.append(f"{name} grow by {slope_per_s:.3g} {unit}/s, more than {most:g}")
    return found


def slope(samples: Sequence[tuple[float, int, int, int]], column: int) -> float:
    """Per second, of the line with the least squares."""
    return linear_regression([sample[0] for sample in samples], [sample[column] for sample in samples]).slope
