"""Takes one measurement of one way to play: a few seconds of playing, from CPU time and memory as the kernel says."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

from . import machine, processes
from .lab import Origin, Way, playing


@dataclass(frozen=True)
class Round:
    """What one way took. `viewer_` is of one viewer, `swarm_` of what starts and serves them, in all."""

    way: str
    viewers: int
    viewer_pss_bytes: float
    viewer_start_cpu_s: float
    viewer_cpu_ms_per_s: float
    viewer_connections: float
    viewer_threads: float
    swarm_resident_bytes: float
    swarm_pss_bytes: float
    swarm_cpu_ms_per_s: float
    swarm_threads: float
    origin_cpu_ms_per_s: float
    ramp_per_s: float
    died: int
    noise_share: float

    def row(self) -> dict[str, float | int | str]:
        """As it stands in the results."""
        return asdict(self)


def measure(way: Way, origin: Origin, viewers: int, per_second: float, playing_s: float) -> Round:
    """Starts the viewers, lets them settle, watches them for `playing_s`, and ends them."""
    with playing(way, origin, viewers, per_second) as program:
        return watch(way.key, program.pid, origin, playing_s)


def watch(key: str, parent: int, origin: Origin, playing_s: float) -> Round:
    """What the viewers of `parent` take now."""
    pids = processes.viewers(parent, origin.url)
    servers = processes.family(origin.pid)
    before, viewers_before = machine.Clock.now(), {pid: processes.cpu_ns(pid) for pid in pids}
    lives = [life for life in map(processes.taken, pids) if life]
    swarm_before, origin_before = processes.cpu_ns(parent), processes.cpu_of(servers)
    own_before = time.process_time()
    boot_s = time.clock_gettime(time.CLOCK_BOOTTIME)

    time.sleep(playing_s)

    after, viewers_after = machine.Clock.now(), {pid: processes.cpu_ns(pid) for pid in pids}
    swarm_s = (processes.cpu_ns(parent) - swarm_before) / 1e9
    origin_s = processes.cpu_of(servers) - origin_before
    stayed = set(pids) & set(processes.viewers(parent, origin.url))
    played_s = sum(viewers_after[pid] - viewers_before[pid] for pid in stayed) / 1e9
    elapsed_s, count = after.at_s - before.at_s, max(len(stayed), 1)
    rate = played_s / elapsed_s / count
    # What they had taken when the watch began, without what playing until then takes.
    ages_s = sum(boot_s - life.started_s for life in lives)
    starts_s = sum(viewers_before.values()) / 1e9 - rate * ages_s
    starts = sorted(life.started_s for life in lives)
    ours_s = played_s + swarm_s + origin_s + time.process_time() - own_before
    viewers_pss, resident, pss = sum(map(processes.pss_bytes, stayed)), processes.resident_bytes(parent), processes.pss_bytes(parent)
    parents = processes.taken(parent)
    return Round(
        way=key,
        viewers=len(pids),
        viewer_pss_bytes=viewers_pss / count,
        viewer_start_cpu_s=starts_s / max(len(lives), 1),
        viewer_cpu_ms_per_s=rate * 1e3,
        viewer_connections=processes.connections(origin.port) / count,
        viewer_threads=sum(life.threads for life in lives) / max(len(lives), 1),
        swarm_resident_bytes=resident,
        swarm_pss_bytes=pss,
        swarm_cpu_ms_per_s=swarm_s / elapsed_s * 1e3,
        swarm_threads=parents.threads if parents else 0,
        origin_cpu_ms_per_s=origin_s / elapsed_s * 1e3,
        ramp_per_s=(len(starts) - 1) / max(starts[-1] - starts[0], 0.01) if len(starts) > 1 else 0.0,
        died=len(pids) - len(stayed),
        noise_share=before.noise_until(after, ours_s),
    )
