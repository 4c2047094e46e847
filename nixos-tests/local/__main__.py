"""Chooses scenarios, runs each in a world, prints a line for each and how many passed, failed and were skipped.

    python3 -m local [--programs DIR] [--keep] [--jobs N] [--interactive] [SCENARIO…]

Exit codes: 0 nothing failed, 1 something failed, 2 the command line or the table is wrong.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import table, unit

REPOSITORY = table.TESTS.parent
# Of a failed scenario, the end of its timeline that is printed: its last steps and the reason.
TAIL_LINES = 25
# How a script begins a line about something that it did not check.
LEFT_OUT = "skipped: "
# A world that was told to end has nothing to do but to go.
END_TIMEOUT_S = 10


@dataclass(frozen=True)
class Run:
    """What all scenarios of this run share."""

    tests: Path
    folder: Path
    media: Path
    programs: tuple[Path, ...]
    keep: bool


@dataclass(frozen=True)
class Result:
    """`outcome` is `passed`, `failed` or `skipped`. `why` of one that passed is what it left out, or empty."""

    outcome: str
    why: str = ""


def namespaces() -> list[str]:
    """The command that puts a world into namespaces of its own; a user that is not root needs a user namespace first."""
    root = os.geteuid() == 0
    return (
        ["unshare"]
        + ([] if root else ["--user", "--map-root-user"])
        + ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child"]
    )


def why_not_here() -> str | None:
    """Why worlds cannot be made on this machine, or `None` when they can."""
    for program in ("unshare", "nsenter", "ip", "curl", "ffmpeg", "nginx", "prometheus"):
        if shutil.which(program, path=unit.search_path()) is None:
            return f"{program} is not installed"
    # What a world does first, in small.
    probe = "ip link add lab type bridge && mount -t tmpfs lab /run && unshare --pid --fork --mount-proc true"
    tried = subprocess.run([*namespaces(), "sh", "-c", probe], capture_output=True, text=True, check=False)
    if tried.returncode == 0:
        return None
    said = tried.stderr.strip().splitlines()
    return f"this kernel does not let this user make namespaces: {said[-1] if said else 'it does not say why'}"


def play(scenario: table.Scenario, run: Run, interactive: bool = False) -> Result:
    """Runs one scenario. Its folder is kept when it failed."""
    folder = run.folder / scenario.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    # The world lives as long as we hold the pipe.
    theirs, ours = os.pipe()
    argv = [*namespaces(), sys.executable, "-m", "local.world", scenario.name, "--tests", str(run.tests)]
    argv += ["--folder", str(folder), "--media", str(run.media), "--keepalive", str(theirs)]
    argv += [word for program in run.programs for word in ("--program", str(program))]
    if interactive:
        argv.append("--interactive")
    with (folder / "world.log").open("wb") as log:
        world = subprocess.Popen(
            argv,
            cwd=table.TESTS,
            pass_fds=[theirs],
            stdin=None if interactive else subprocess.DEVNULL,
            stdout=None if interactive else log,
            stderr=None if interactive else log,
        )
    os.close(theirs)
    try:
        code = world.wait(None if interactive else scenario.timeout_s)
        why = "" if code == 0 else "see below"
    except subprocess.TimeoutExpired:
        why = f"it took longer than {scenario.timeout_s} s"
    finally:
        os.close(ours)
        world.wait(END_TIMEOUT_S)
    if why:
        return Result("failed", why)
    said = (folder / "world.log").read_text(errors="replace").splitlines() if not interactive else []
    if not run.keep:
        shutil.rmtree(folder)
    return Result("passed", "; ".join(line for line in said if line.startswith(LEFT_OUT)))


def report(name: str, result: Result, elapsed_s: float, run: Run) -> None:
    """One line, and for a failure the end of its timeline and where the rest is."""
    line = f"{result.outcome:8} {name} ({elapsed_s:.1f} s)"
    if result.outcome == "passed" and result.why:
        line += f", {result.why}"
    if result.outcome == "skipped":
        line = f"skipped: {name}: {result.why}"
    lines = [line]
    if result.outcome == "failed":
        folder = run.folder / name
        log = (folder / "world.log").read_text(errors="replace").splitlines()
        lines = [f"{line}: {result.why}", *(f"    {said}" for said in log[-TAIL_LINES:])]
        lines.append(f"    logs, reports and the timeline: {folder}")
    print("\n".join(lines), flush=True)


def chosen(names: list[str], scenarios: dict[str, table.Scenario]) -> list[table.Scenario]:
    """The scenarios of these names, or all. Raises `TableError` for a name that does not exist."""
    if unknown := [name for name in names if name not in scenarios]:
        raise table.TableError(f"there is no scenario {unknown[0]}: choose from {', '.join(scenarios)}")
    return [scenarios[name] for name in names or scenarios]


def play_all(scenarios: list[table.Scenario], run: Run, jobs: int) -> list[Result]:
    """Plays them side by side, `jobs` at a time, in their order; each is reported when it ends."""
    why = why_not_here()

    def one(scenario: table.Scenario) -> Result:
        begun = time.monotonic()
        if scenario.vm_only is not None:
            result = Result("skipped", f"only on virtual machines: {scenario.vm_only}")
        elif why is not None:
            result = Result("skipped", why)
        else:
            result = play(scenario, run)
        report(scenario.name, result, time.monotonic() - begun, run)
        return result

    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(one, scenarios))


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m local", description=__doc__.splitlines()[0])
    parser.add_argument("scenario", nargs="*", help="all when none is named")
    parser.add_argument("--programs", type=Path, default=REPOSITORY / "target" / "debug", metavar="DIR")
    parser.add_argument("--tests", type=Path, default=table.TESTS, metavar="DIR", help="folder of scenarios.toml")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "target" / "e2e", metavar="DIR")
    parser.add_argument("--media", type=Path, default=REPOSITORY / "target" / "tmp" / "media", metavar="DIR")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--keep", action="store_true", help="keep the folders of scenarios that passed, too")
    parser.add_argument("--interactive", action="store_true", help="a Python prompt instead of the script")
    args = parser.parse_args()
    programs = tuple((args.programs / name).resolve() for name in ("swarm", "test-origin"))
    try:
        scenarios = chosen(args.scenario, table.read(args.tests))
    except table.TableError as error:
        print(f"local: {error}", file=sys.stderr)
        return 2
    if missing := [program for program in programs if not unit.exists(program)]:
        print(f"local: {missing[0]} is not built: cargo build --workspace", file=sys.stderr)
        return 2
    run = Run(args.tests.resolve(), args.folder.resolve(), args.media.resolve(), programs, args.keep)
    run.media.mkdir(parents=True, exist_ok=True)
    if args.interactive:
        return 0 if play(scenarios[0], run, interactive=True).outcome == "passed" else 1
    # An end from outside is an end of this process, and with its pipes that of all worlds.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    results = play_all(scenarios, run, args.jobs)
    count = {outcome: sum(result.outcome == outcome for result in results) for outcome in ("passed", "failed", "skipped")}
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
