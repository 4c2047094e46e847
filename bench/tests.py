"""What is pure in the benchmarks: `python3 -B -m unittest bench.tests`."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path
from typing import Any

from . import binary, figures, page, profile, soak
from .machine import Clock, cores


def taken(way: str, pss: float, cpu: float, noise: float = 0.0) -> dict[str, Any]:
    """A round of ten viewers."""
    viewer = {"viewer_pss_bytes": pss, "viewer_start_cpu_s": 0.05, "viewer_cpu_ms_per_s": cpu, "viewer_connections": 2.0, "viewer_threads": 1}
    swarm = {"swarm_resident_bytes": 20e6, "swarm_pss_bytes": 10e6, "swarm_cpu_ms_per_s": 1.0, "swarm_threads": 4}
    return {"way": way, "viewers": 10, **viewer, **swarm, "origin_cpu_ms_per_s": 3.0, "ramp_per_s": 10.0, "noise_share": noise}


RESULTS = {
    "taken": "2026-01-02",
    "load": "10 viewers",
    "mbit_per_s": 0.96,
    "machine": {"cores": "2"},
    "versions": {"FFmpeg": "5.1.9"},
    "ways": {"loop": "loop of FFmpegs", "swarm": "`swarm`", "lean": "`swarm`, lean FFmpeg"},
    "rounds": [taken(way, pss, cpu) for pss, cpu in ((16e6, 1.9), (17e6, 2.9)) for way in ("loop", "swarm")]
    + [taken("lean", 2e6, 0.9), taken("lean", 3e6, 0.9)],
}


class Figures(unittest.TestCase):
    """Medians, ranges, ratios, scale."""

    def test_a_ratio_compares_each_round_with_the_loop_of_the_same_time(self) -> None:
        slow_later = [taken("loop", 1, 1.9), taken("swarm", 1, 0.9), taken("loop", 1, 3.9), taken("swarm", 1, 1.9)]
        self.assertEqual(figures.ratios(slow_later, "swarm", "cpu").text(1), "0.5")

    def test_what_serves_all_is_shared_among_the_viewers(self) -> None:
        self.assertEqual(figures.whole(taken("swarm", 2e6, 0.9), "memory"), 3e6)
        self.assertEqual(figures.whole(taken("swarm", 2e6, 0.9), "cpu"), 1.0)

    def test_boxes_are_counted_for_what_ends_first(self) -> None:
        row = taken("swarm", 2e6, 0.9)
        wide = figures.Box(memory_bytes=24e9, cores=1000, ports=10**9, mbit_per_s=1e9)
        self.assertEqual((figures.need(10_000, row, 1.0, wide).boxes, figures.need(10_000, row, 1.0, wide).ends_first), (2, "memory"))
        narrow = figures.Box(memory_bytes=24e9, cores=1000, ports=1000, mbit_per_s=1e9)
        self.assertEqual((figures.need(10_000, row, 1.0, narrow).boxes, figures.need(10_000, row, 1.0, narrow).ends_first), (20, "ports of one address"))

    def test_work_of_others_and_stolen_time_are_noise(self) -> None:
        share = Clock(0, 100, 5).noise_until(Clock(10, 103, 6), ours_s=2)
        self.assertAlmostEqual(share, 2 / (10 * cores()))


class Page(unittest.TestCase):
    """Tables in place."""

    def test_tables_stand_between_their_markers_and_nothing_else_changes(self) -> None:
        before = "a\n<!-- hold: made -->\nwas\n<!-- end of hold -->\nb\n"
        self.assertEqual(page.between(before, "hold", "new\n"), before.replace("was", "new"))
        with self.assertRaises(ValueError):
            page.between(before, "viewers", "new\n")

    def test_the_page_has_a_place_for_each_table(self) -> None:
        text = page.PAGE.read_text()
        for name in ("viewers", "hold", "scale", "options", "wire", "profile", "starts"):
            self.assertIn("new\n", page.between(text, name, "new\n"))

    def test_ratios_come_first_and_ranges_show(self) -> None:
        text = page.viewers(RESULTS)
        self.assertLess(text.index("against the loop"), text.index("of one FFmpeg"))
        self.assertIn("| `swarm` | 16.50 (16.00–17.00) | 50 | 2.40 (1.90–2.90) | 2.0 | 1 |", text)
        self.assertIn("| loop of FFmpegs | 1.00 | 1.00 |", text)
        self.assertIn("| 10000 | `swarm`, lean FFmpeg | 35 |", page.scale(RESULTS))

    def test_each_setting_has_a_line_with_each_ffmpeg(self) -> None:
        rows = [{"name": "as it is", "way": way, "cpu_ms_per_s": cpu, "pss_bytes": 2e6} for way, cpu in (("direct", 0.7), ("lean", 0.6))]
        text = page.options({**RESULTS, "ways": {"direct": "FFmpeg 5", "lean": "lean FFmpeg"}, "rows": rows})
        self.assertIn("| as it is | 0.700 | 2.00 | 0.600 | 2.00 |", text)


    def test_what_the_wire_adds_is_told_of_each_load(self) -> None:
        def row(way: str, p50: float) -> dict[str, Any]:
            common = {"load": "playlist", "way": way, "requests_per_s": 1e4, "bytes_per_s": 1e9, "p50_ms": p50, "p99_ms": 1.0, "errors": 0.0}
            return common if way == "direct" else {**common, "cores": 0.5}

        rows = [row(way, p50) for way, p50 in (("direct", 0.1), ("wire", 0.2), ("direct", 0.2), ("wire", 0.26))]
        text = page.wire({**RESULTS, "rows": rows, "idle_connection_bytes": 1500.0})
        self.assertIn("| playlist | 10000 | 10000 | 0.15 | 0.23 | 0.08 (0.06–0.10) | 0.50 | 50 | 2 | 0 |", text)
        self.assertIn("takes 1.5 kB", text)


class Profile(unittest.TestCase):
    """Stacks."""

    def test_equal_stacks_are_counted_and_shared_out_by_what_they_were_at(self) -> None:
        kernel, own = "(" + "[kernel.kallsyms])", "(/target/release/swarm)"
        call = f"wire\n\tffff tcp_sendmsg+0x2b {kernel}\n\tffff __x64_sys_sendto+0x20 {kernel}\n\t4f48 <a as b>::send(c)+0x1 {own}\n"
        stacks = profile.counted("\n".join([call, call, f"wire\n\t4f48 parse {own}\n", f"generator\n\tffff clock {kernel}\n"]))
        self.assertEqual(max(stacks.values()), 2)
        self.assertEqual([frame.name for frame in max(stacks, key=stacks.__getitem__)[1]], ["<a as b>::send(c)", "__x64_sys_sendto", "tcp_sendmsg"])
        expected = [("wire", "`sendto`", 0.5), ("wire", "its own code", 0.25), ("generator", "the kernel's entries, interrupts and clock", 0.25)]
        self.assertEqual(profile.shares(stacks), expected)


class Binary(unittest.TestCase):
    """What a program may be."""

    def test_a_program_that_is_large_and_slow_is_told_so(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "sloth"
            program.write_text("#!/bin/sh\nexec sleep 0.02\n" + "#" * binary.MOST_BYTES)
            program.chmod(0o755)
            self.assertEqual([text.split()[1] for text in binary.binary(program)], ["has", "--help"])


class Soak(unittest.TestCase):
    """What counts as growth."""

    def test_each_thing_that_grows_is_told_and_what_swings_is_not(self) -> None:
        swinging = [(float(second), 20_000_000 + second % 2 * 4096, 100 + second % 3, 4) for second in range(60)]
        self.assertEqual(soak.grown(swinging), [])
        for column, name in ((1, "memory"), (2, "descriptors"), (3, "threads")):
            leaking = [tuple(value + (30_000 * number if place == column else 0) for place, value in enumerate(sample)) for number, sample in enumerate(swinging)]
            self.assertEqual([text.split()[0] for text in soak.grown(leaking)], [name])  # type: ignore[arg-type]


if __name__ == "__main__":
    unittest.main()
