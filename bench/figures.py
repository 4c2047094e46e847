"""Medians, ranges, ratios, and what they mean for larger numbers. Pure: values in, values out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Spread:
    """A median and the range that it comes from."""

    middle: float
    least: float
    most: float

    def text(self, digits: int, scale: float = 1.0) -> str:
        """The median, and in brackets the range where it shows."""
        middle, least, most = (f"{value / scale:.{digits}f}" for value in (self.middle, self.least, self.most))
        return middle if least == most else f"{middle} ({least}–{most})"


def spread(values: Sequence[float]) -> Spread:
    """Of at least one value."""
    return Spread(median(values), min(values), max(values))


def whole(row: Row, part: str) -> float:
    """What a viewer takes with its share of what starts and serves it: `memory` in bytes, `cpu` in ms per second."""
    own, shared = {"memory": ("viewer_pss_bytes", "swarm_pss_bytes"), "cpu": ("viewer_cpu_ms_per_s", "swarm_cpu_ms_per_s")}[part]
    return float(row[own] + row[shared] / row["viewers"])


def of_way(rounds: Sequence[Row], way: str) -> list[Row]:
    """Its rounds, in order."""
    return [row for row in rounds if row["way"] == way]


def ratios(rounds: Sequence[Row], way: str, part: str, base: str = "loop") -> Spread:
    """To the base, each round with the base's own of the same time."""
    pairs = zip(of_way(rounds, way), of_way(rounds, base))
    return spread([whole(row, part) / whole(beside, part) for row, beside in pairs])


@dataclass(frozen=True)
class Need:
    """What many viewers take."""

    viewers: int
    memory_bytes: float
    cores: float
    mbit_per_s: float
    connections: int
    boxes: int
    ends_first: str


@dataclass(frozen=True)
class Box:
    """One load box. A part of it stays free: what is full does not keep up."""

    memory_bytes: float
    cores: float
    ports: int
    mbit_per_s: float


# Above 80 % of its CPU a box's own waiting shows in the latencies.
USABLE_SHARE = 0.8


def need(viewers: int, row: Row, mbit_per_s: float, box: Box) -> Need:
    """From what one viewer took in `row`. Boxes are counted for the resource that ends first."""
    memory, cores = viewers * whole(row, "memory"), viewers * whole(row, "cpu") / 1e3
    network, connections = viewers * mbit_per_s, math.ceil(viewers * row["viewer_connections"])
    asked = {
        "memory": memory / (box.memory_bytes * USABLE_SHARE),
        "CPU": cores / (box.cores * USABLE_SHARE),
        "ports of one address": connections / box.ports,
        "network": network / (box.mbit_per_s * USABLE_SHARE),
    }
    first = max(asked, key=asked.__getitem__)
    return Need(viewers, memory, cores, network, connections, math.ceil(asked[first]), first)
