"""The tables of docs/BENCHMARKS.md, between their markers. Pure, but for `write`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .figures import Box, Row, need, of_way, ratios, spread, whole

PAGE = Path(__file__).resolve().parent.parent / "docs/BENCHMARKS.md"
MEGABYTE = 1e6
SCALES = (10_000, 100_000, 1_000_000)
# Linux's default range, net.ipv4.ip_local_port_range: 32768 to 60999.
PORTS = 28_232
# A load box's network, so that paper has a figure: 10 Gbit/s.
NETWORK_MBIT_PER_S = 10_000.0


def write(name: str, text: str, page: Path = PAGE) -> None:
    """Puts the text between the markers of this name."""
    page.write_text(between(page.read_text(), name, text))


def between(page: str, name: str, text: str) -> str:
    """The page with the text between the markers of this name. Raises `ValueError` when it has none."""
    pattern = re.compile(rf"(<!-- {name}: .*?-->\n).*?(<!-- end of {name} -->)", re.S)
    done, count = pattern.subn(lambda found: found[1] + text + found[2], page)
    if count != 1:
        raise ValueError(f"the page has {count} places for {name}, not one")
    return done


def viewers(results: Row) -> str:
    """Side by side: ratios, then a viewer, then what serves all of them."""
    rounds, names = results["rounds"], results["ways"]
    ways = [way for way in names if of_way(rounds, way)]
    return "\n".join([_conditions(results), _ratios(rounds, names, ways), _each(rounds, names, ways), _all(rounds, names, ways)])


def hold(results: Row) -> str:
    """How many were held at once."""
    lines = ["| viewers | verdict | seconds | CPU per viewer, ms/s | memory per viewer, MB | swarm, MB | swarm / FFmpegs, CPU | last start after, s | stopped in, s | others on the machine |"]
    lines.append(_rule(10))
    for row in results["runs"]:
        ratio = row["swarm_cpu_ms_per_s"] / (row["viewer_cpu_ms_per_s"] * row["viewers"])
        lines.append(
            f"| {row['viewers']}, {results['ways'][row['way']]} | {row['verdict']} | {row['held_s']:.0f} | {whole(row, 'cpu'):.2f} "
            f"| {whole(row, 'memory') / MEGABYTE:.2f} | {row['swarm_resident_bytes'] / MEGABYTE:.0f} | {100 * ratio:.0f} % "
            f"| {row['last_start_s']:.1f} at {row['rate']:.0f}/s | {row['stop_s']:.1f} | {100 * row['noise_share']:.0f} % |"
        )
    return "\n".join([_conditions(results), *lines, ""])


def scale(results: Row) -> str:
    """What many viewers need, from the costs of one."""
    box = Box(24 * 1024**3, 2, PORTS, NETWORK_MBIT_PER_S)
    lines = ["| viewers | FFmpeg | memory, GB | cores | network, Gbit/s | connections | boxes like this one | ends first |", _rule(8)]
    for way in ("swarm", "lean"):
        row = _middle(of_way(results["rounds"], way))
        for count in SCALES:
            one = need(count, row, results["mbit_per_s"], box)
            lines.append(
                f"| {count} | {results['ways'][way]} | {one.memory_bytes / 1e9:.0f} | {one.cores:.0f} | {one.mbit_per_s / 1e3:.0f} "
                f"| {one.connections} | {one.boxes} | {one.ends_first} |"
            )
    return "\n".join([*lines, ""])


def options(results: Row) -> str:
    """What each setting takes, beside the others that played at the same time."""
    ways = results["ways"]
    heads = [f"{name}, {what}" for name in ways.values() for what in ("CPU, ms/s", "memory, MB")]
    lines = [f"| FFmpegs | {' | '.join(heads)} |", _rule(1 + len(heads))]
    for name in dict.fromkeys(row["name"] for row in results["rows"]):
        own = {row["way"]: row for row in results["rows"] if row["name"] == name}
        cells = [f"{own[way]['cpu_ms_per_s']:.3f} | {own[way]['pss_bytes'] / MEGABYTE:.2f}" for way in ways]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join([_conditions(results), *lines, ""])


def wire(results: Row) -> str:
    """Each load straight and through the wire; medians, and in brackets the range of what a round added to its neighbour."""
    lines = [
        "| wrk asks for | straight, per second | on the wire, per second | straight, p50 ms | on the wire, p50 ms | added, p50 ms "
        "| cores of the wire | CPU of the wire per request, µs | GB/s of a core | errors |",
        _rule(10),
    ]
    for load in dict.fromkeys(row["load"] for row in results["rows"]):
        straight, through = ([row for row in results["rows"] if (row["load"], row["way"]) == (load, way)] for way in ("direct", "wire"))
        one, other = _middle(straight), _middle(through)
        added = spread([row["p50_ms"] - beside["p50_ms"] for row, beside in zip(through, straight)])
        lines.append(
            f"| {load} | {one['requests_per_s']:.0f} | {other['requests_per_s']:.0f} | {one['p50_ms']:.2f} | {other['p50_ms']:.2f} "
            f"| {added.text(2)} | {other['cores']:.2f} | {other['cores'] / other['requests_per_s'] * 1e6:.0f} "
            f"| {other['bytes_per_s'] / other['cores'] / 1e9:.2g} | {one['errors'] + other['errors']:.0f} |"
        )
    idle = f"\nAn idle connection takes {results['idle_connection_bytes'] / 1e3:.1f} kB.\n"
    return "\n".join([_conditions(results), *lines, idle])


def profile(results: Row) -> str:
    """What the threads of swarm were at."""
    lines = ["| thread | at work in | share of all of `swarm` |", _rule(3)]
    lines += [f"| {thread} | {at} | {100 * share:.0f} % |" for thread, at, share in results["shares"]]
    return "\n".join([_conditions(results), *lines, ""])


def starts(results: Row) -> str:
    """How fast viewers were started, and what each start took of swarm."""
    lines = ["| asked for, per second | started, per second | CPU of `swarm` per start, ms | `swarm`, MB |", _rule(4)]
    lines += [
        f"| {row['asked_per_s']:.0f} | {row['started_per_s']:.1f} | {row['swarm_cpu_s'] * 1e3:.2f} | {row['swarm_resident_bytes'] / MEGABYTE:.0f} |"
        for row in results["rows"]
    ]
    return "\n".join([_conditions(results), *lines, ""])


def _middle(rounds: list[Row]) -> Row:
    numbers = [key for key, value in rounds[0].items() if isinstance(value, (int, float))]
    return {key: spread([row[key] for row in rounds]).middle for key in numbers}


def _conditions(results: Row) -> str:
    facts: dict[str, Any] = {**results["machine"], **results["versions"]}
    told = ", ".join(f"{name} {value}" for name, value in facts.items())
    return f"{results['taken']}: {told}; {results['load']}.\n"


def _ratios(rounds: list[Row], names: dict[str, str], ways: list[str]) -> str:
    lines = ["| against the loop | memory per viewer | CPU per playing viewer |", _rule(3)]
    lines += [f"| {names[way]} | {ratios(rounds, way, 'memory').text(2)} | {ratios(rounds, way, 'cpu').text(2)} |" for way in ways]
    return "\n".join([*lines, ""])


def _each(rounds: list[Row], names: dict[str, str], ways: list[str]) -> str:
    columns = (
        ("viewer_pss_bytes", MEGABYTE, 2),
        ("viewer_start_cpu_s", 1e-3, 0),
        ("viewer_cpu_ms_per_s", 1, 2),
        ("viewer_connections", 1, 1),
        ("viewer_threads", 1, 0),
    )
    lines = ["| of one FFmpeg | memory (PSS), MB | CPU to start, ms | CPU while playing, ms/s | connections | threads |", _rule(6)]
    return _table(lines, rounds, names, ways, columns)


def _all(rounds: list[Row], names: dict[str, str], ways: list[str]) -> str:
    columns = (
        ("swarm_resident_bytes", MEGABYTE, 1),
        ("swarm_cpu_ms_per_s", 1, 1),
        ("swarm_threads", 1, 0),
        ("ramp_per_s", 1, 1),
        ("origin_cpu_ms_per_s", 1, 0),
        ("noise_share", 0.01, 1),
    )
    lines = ["| of all viewers | resident, MB | CPU, ms/s | threads | starts per second | CPU of the origin, ms/s | others on the machine, % |", _rule(7)]
    return _table(lines, rounds, names, ways, columns)


def _table(
    lines: list[str], rounds: list[Row], names: dict[str, str], ways: list[str], columns: tuple[tuple[str, float, int], ...]
) -> str:
    for way in ways:
        rows = of_way(rounds, way)
        cells = [spread([row[key] for row in rows]).text(digits, scale) for key, scale, digits in columns]
        lines.append(f"| {names[way]} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _rule(columns: int) -> str:
    return "|" + " --- |" * columns
