"""The command line of the benchmarks: see `python3 -B -m bench --help`, or the targets of the Makefile."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from . import machine, page
from .binary import binary
from .hold import hold
from .lab import ROOT, SWARM, Way, nginx, origin, ways
from .measure import Round, measure
from .options import options as options_apart
from .profile import profile
from .soak import soak
from .starts import SECONDS, starts
from .wire import wire

RESULTS = ROOT / "bench/results"
# Viewers per second: the usual, what is promised, and more.
RATES = (50.0, 200.0, 400.0)
# Of stream.toml: 800 and 96 kbit/s, and what MPEG-TS adds, as test-origin's own account of it says.
MBIT_PER_S = 0.96


def main() -> int:
    """Returns 1 when what was measured is not what was asked for."""
    options = _options()
    RESULTS.mkdir(exist_ok=True)
    # Ends the programs too: an exit unwinds what is open, and the signal alone does not.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    return {
        "viewers": _viewers,
        "hold": _hold,
        "options": _options_apart,
        "soak": _soak,
        "binary": _binary,
        "wire": _wire,
        "profile": _profile,
        "starts": _starts,
        "render": _render,
    }[options.what](options)


def _viewers(options: argparse.Namespace) -> int:
    chosen = ways(options.lean, dict(pair.split("=", 1) for pair in options.ffmpeg))
    rounds: list[Round] = []
    with origin() as stream:
        for number in range(options.rounds):
            for way in chosen:
                rounds.append(_quiet(options.repeats, partial(measure, way, stream, options.viewers, options.rate, options.seconds)))
                print(f"round {number + 1}: {rounds[-1]}", file=sys.stderr)
    load = f"{options.viewers} viewers at {options.rate:g} per second, {options.seconds:g} s of playing, {options.rounds} rounds"
    _save("viewers", {**_about(chosen, load), "rounds": [one.row() for one in rounds]})
    _render(options)
    return 1 if any(one.died for one in rounds) else 0


def _quiet(repeats: int, take: Callable[[], Round]) -> Round:
    """Again while other work was in the way, up to so often, and then the quietest."""
    taken: list[Round] = []
    for _ in range(1 + repeats):
        taken.append(take())
        if taken[-1].noise_share <= machine.NOISY_SHARE:
            return taken[-1]
        print(f"others took {100 * taken[-1].noise_share:.0f} % of the machine: again", file=sys.stderr)
    return min(taken, key=lambda one: one.noise_share)


def _hold(options: argparse.Namespace) -> int:
    way = _way(options)
    with origin() as stream:
        run = hold(way, stream, options.viewers, options.rate, options.seconds)
    print(run, file=sys.stderr)
    file = RESULTS / "hold.json"
    earlier = json.loads(file.read_text()) if file.exists() else {"runs": [], "versions": {}, "ways": {}}
    runs = [one for one in earlier["runs"] if (one["way"], one["viewers"]) != (way.key, options.viewers)]
    about = _about([way], "each number of viewers held once")
    # What this run did not use is told of the runs before.
    for part in ("versions", "ways"):
        about[part] = {**earlier[part], **about[part]}
    _save("hold", {**about, "runs": [*runs, run]})
    _render(options)
    return 0 if run["verdict"] == "healthy" and not run["orphans"] else 1


def _options_apart(options: argparse.Namespace) -> int:
    chosen = [way for way in ways(options.lean, {}) if way.key in ("direct", "lean")]
    rows: list[dict[str, Any]] = []
    with origin() as stream:
        for way in chosen:
            rows += [{**row, "way": way.key} for row in options_apart(way.ffmpeg, stream, options.viewers, options.seconds)]
    load = f"{options.viewers} FFmpegs with each setting, {options.seconds:g} s of playing"
    about = _about(chosen, load)
    names = {"direct": f"FFmpeg {about['versions']['FFmpeg']}", "lean": "lean FFmpeg"}
    _save("options", {**about, "ways": names, "rows": rows})
    return _render(options)


def _soak(options: argparse.Namespace) -> int:
    way = _way(options)
    with origin() as stream:
        grown = soak(way, stream, options.viewers, options.rate, options.seconds)
    return _told(grown)


def _binary(_: argparse.Namespace) -> int:
    return _told(binary(SWARM))


def _wire(options: argparse.Namespace) -> int:
    load = f"wrk with one thread, {options.rounds} rounds of {options.seconds:g} s each"
    _save("wire", {**_about([], load), **wire(options.rounds, options.seconds)})
    return _render(options)


def _profile(options: argparse.Namespace) -> int:
    way = _way(options)
    with origin() as stream:
        seen = profile(way, stream, options.viewers, options.rate, options.seconds)
    file = RESULTS / "profile.folded"
    file.write_text("".join(f"{stack} {count}\n" for stack, count in seen.pop("stacks").items()))
    print(file)
    _save("profile", {**_about([way], f"{options.viewers} viewers, `{way.key}`, {options.seconds:g} s"), **seen})
    return _render(options)


def _starts(options: argparse.Namespace) -> int:
    way = _way(options)
    with origin() as stream:
        rows = [starts(way, stream, per_second) for per_second in RATES]
    _save("starts", {**_about([], f"{SECONDS:g} s at each rate, `swarm` with a stand-in for FFmpeg"), "rows": rows})
    return _render(options)


def _told(findings: list[str]) -> int:
    for finding in findings:
        print(f"bench: {finding}", file=sys.stderr)
    return 1 if findings else 0


def _render(_: argparse.Namespace) -> int:
    """What has been measured; tables without results stay as they are."""
    tables = {page.viewers: "viewers", page.scale: "viewers", page.hold: "hold", page.options: "options", page.wire: "wire", page.profile: "profile", page.starts: "starts"}
    for table, results in tables.items():
        file = RESULTS / f"{results}.json"
        if file.exists():
            page.write(table.__name__, table(json.loads(file.read_text())))
    return 0


def _way(options: argparse.Namespace) -> Way:
    return next(way for way in ways(options.lean, {}) if way.key == options.way)


def _about(chosen: list[Way], load: str) -> dict[str, Any]:
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return {
        "taken": time.strftime("%Y-%m-%d"),
        "load": load,
        "mbit_per_s": MBIT_PER_S,
        "machine": machine.description(),
        "versions": {
            "swarm at": commit.stdout.strip() or "unknown commit",
            **{way.ffmpeg_name: machine.version(way.ffmpeg, "-version") for way in chosen},
            "Nginx": machine.version(nginx(), "-v"),
        },
        "ways": {way.key: way.name for way in chosen},
    }


def _save(name: str, results: dict[str, Any]) -> None:
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps(results, indent=1) + "\n")
    print(file)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -B -m bench", description=__doc__)
    parser.add_argument("what", choices=["viewers", "hold", "options", "soak", "binary", "wire", "profile", "starts", "render"])
    parser.add_argument("--lean", default="ffmpeg", help="the lean FFmpeg: what scripts/ffmpeg-lean.sh prints")
    parser.add_argument("--ffmpeg", action="append", default=[], metavar="NAME=PATH", help="a further FFmpeg to compare; repeatable")
    parser.add_argument("--way", default="lean", choices=["loop", "direct", "swarm", "lean"], help="of hold, soak and profile")
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--rate", type=float, default=10.0, help="starts per second")
    parser.add_argument("--seconds", type=float, default=20.0, help="of playing, after all have started")
    parser.add_argument("--rounds", type=int, default=3)
    # A machine that stays busy with other things is measured all the same, and the table says how busy.
    parser.add_argument("--repeats", type=int, default=3, help="of a round in whose way other work was")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
