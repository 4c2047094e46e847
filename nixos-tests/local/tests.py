"""The runner itself: each way to demand something fails when it is not so, and nothing outlives a run.

    python3 -m unittest local.tests
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from . import __main__ as runner
from . import lint, table
from .machine import Machine
from .unit import flags

if TYPE_CHECKING:
    import driver

    def _is_as_stated(machine: Machine) -> driver.Machine:
        """Fails the type check when a method of the stub is missing or differs."""
        return machine


TABLE = """
timeout_s = {timeout_s}
[roles.box]
[roles.origin.settings]
profile = "low-latency"
port = 8080
admin = "127.0.0.1:0"
access-log = "/tmp/log"
[scenarios.tried.hosts]
box = {{}}
# Says "ok", and ends with 0.
origin.settings.check = true
broken.role = "origin"
broken.settings.profile = "none-such"
"""

# A page of metrics, and a listener. It is Python's own server, so that no program under test is needed.
SERVE = (
    "box.succeed('mkdir site; echo up 1 >site/metrics; "
    f"cd site; {sys.executable} -m http.server 8000 >/dev/null 2>&1 &')\n"
    "box.wait_for_open_port(8000)\n"
)
# Something that is called ffmpeg.
FFMPEG = "box.succeed('cp $(command -v sleep) ffmpeg; ./ffmpeg 60 >/dev/null 2>&1 &')\n"

# Until the service of a host has come to its end by itself.
ENDED = "retry(lambda last: {0}.systemctl('is-active hls-test-origin')[0] != 0, 60)\n"

# A host that can be reached and where nobody listens says so at once: curl's code for that is 7.
REFUSED = "origin.start()\nbox.succeed('curl --max-time 2 origin:1 || test $? = 7')\n"

# As much of one as is looked at.
REPORT = (
    "report = {{'generator': {{'saturated_resource': {0!r}}}, 'judgement': {{'first_signs': [{{'kind': 'stalls'}}]}},"
    " 'verdict': {{'state': {1!r}, 'cause': 'load', 'sentence': 'as it went'}}}}\n"
)

AS_IT_WENT = "invalid, load, first sign [{'kind': 'stalls'}]: as it went"

# Scripts that must fail, and what they must say.
MUST_FAIL = [
    ("box.succeed('false')", "command `false` failed (exit code 1)"),
    ("box.succeed('false | true')", "failed (exit code 1)"),
    ("box.succeed('echo $unset')", "failed (exit code 1)"),
    ("box.fail('true')", "command `true` unexpectedly succeeded"),
    ("box.wait_until_succeeds('false', 1)", "action timed out"),
    ("box.wait_until_fails('true', 1)", "action timed out"),
    ("box.wait_for_file('/nowhere', 1)", "action timed out"),
    ("box.wait_for_open_port(1, 'localhost', 1)", "action timed out"),
    (SERVE + "box.wait_for_closed_port(8000, 'localhost', 1)", "action timed out"),
    ("retry(lambda last: False, 1)", "action timed out"),
    (ENDED.format("broken") + "broken.wait_for_unit('hls-test-origin.service')", 'reached state "failed"'),
    (ENDED.format("broken") + "broken.require_unit_state('hls-test-origin')", "but it is in state 'failed'"),
    (ENDED.format("origin") + "origin.wait_for_unit('hls-test-origin')", "is inactive"),
    ("origin.stop_job('hls-test-origin')\norigin.wait_for_unit('hls-test-origin')", "is inactive"),
    ("box.wait_for_unit('sshd.service')", "unit sshd.service is not available on namespaces"),
    ("box.systemctl('daemon-reload')", "systemctl daemon-reload is not available on namespaces"),
    ("box.screenshot('x')", "box.screenshot is not available on namespaces"),
    ("box.execute('true', timeout=3)", "unexpected keyword argument"),
    ("box.block()\n" + REFUSED, "failed (exit code"),
    ("with subtest('part'):\n    assert False, 'not so'", 'Test "part" failed with error: "not so"'),
    ("nobody.succeed('true')", "name 'nobody' is not defined"),
    ("wait_until('the moon', lambda: False, 1)", "never came about in 1 s: the moon"),
    (SERVE + "Metrics(box, 'localhost:8000').require('up == 1', 'up > 1')", "up > 1 is wrong: it is 1"),
    (SERVE + "Metrics(box, 'localhost:8000').require('down == 1')", "down == 1 is wrong: it is 0"),
    (SERVE + "Metrics(box, 'localhost:8000').wait_until('up < 1', 1)", "up < 1; it is 1"),
    ("Metrics(box, 'localhost:1').wait_until('up == 1', 1)", "the page could not be read (curl: 7)"),
    ("Metrics(box, 'localhost:1').require('up is 1')", "command `curl"),
    ("Swarm(box, '-clients 0').succeeded(20)", "swarm ended with 2"),
    ("Swarm(box, '-clients 0').report()", "report.json` failed"),
    (FFMPEG + "wait_until_no_ffmpeg_is_left(box, 1)", "no FFmpeg is left on box"),
    ("require_same('a', lambda: {'ts': (1, 2)}, 'b', lambda: {})", "requests and bytes: {'ts': (1, 2)} a, {} b"),
    ("put(box, '/nowhere/file', 'text')", "/nowhere/file could not be written"),
    (REPORT.format(None, "failing") + "require_verdict(report, 'healthy', None)", "but failing, load, first sign [{'kind': 'stalls'}]: as it went"),
    (REPORT.format(None, "failing") + "require_verdict(report, 'failing', 'load', 'late')", "first sign of ('late',), but failing"),
    ("PATIENCE_S = 1\nwait_until_live(box, 'localhost:1')", "action timed out"),
]

MUST_PASS = REFUSED + REPORT.format("cpu", "invalid") + """
require_verdict(report, "healthy", None)
start_all()
with subtest("A name that no host has does not resolve"):
    box.fail("getent hosts cdn.example.test")
with subtest("Each has files and processes of its own"):
    box.succeed("echo >/tmp/mine; echo >/run/mine; echo >/dev/shm/mine; echo >/var/log/mine")
    origin.fail("ls /tmp/mine")
    origin.fail("ls /run/mine")
    origin.fail("ls /dev/shm/mine")
    origin.fail("ls /var/log/mine")
    assert box.succeed("hostname") == "box\\n"
with subtest("Who has lost its parent is reaped"):
    box.succeed("bash -c 'sleep 60 >/dev/null 2>&1 & echo $! >orphan'", "kill -KILL $(cat orphan)")
    box.wait_until_fails("test -e /proc/$(cat orphan)", 20)
with subtest("What is said is handed over"):
    assert box.execute("echo one; exit 7") == (7, "one\\n")
    assert box.succeed("echo one", "echo two") == "one\\ntwo\\n"
with subtest("A cable can be pulled and plugged in"):
    box.block()
    box.wait_until_succeeds("grep 0 /sys/class/net/eth1/carrier || ip link show eth1 | grep NO-CARRIER", 20)
    box.unblock()
    box.wait_until_fails("ip link show eth1 | grep NO-CARRIER", 20)
put(box, "/tmp/long", "it's " * 20_000)
assert box.succeed("cat /tmp/long") == "it's " * 20_000
assert sum_of('a{x="1",y="2"} 3\\na{x="2",y="2"} 4\\na 5\\nab 6\\n', "a", 'y="2"') == 7
assert sum_of("a 5\\nab 6\\n", "a") == 5
"""


class Tried(unittest.TestCase):
    """Plays scripts in worlds of their own."""

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        if (why := runner.why_not_here()) is not None:
            self.skipTest(why)

    def play(self, script: str, name: str, timeout_s: int = 60) -> tuple[runner.Result, str]:
        """The result, and what the world said."""
        run = self.prepare(script, name, timeout_s)
        result = runner.play(table.read(run.tests)["tried"], run)
        return result, (run.folder / "tried" / "world.log").read_text()

    def prepare(self, script: str, name: str, timeout_s: int) -> runner.Run:
        """A table with one scenario, and where it is to be played."""
        tests = self.folder / name
        (tests / "scenarios").mkdir(parents=True)
        (tests / "scenarios.toml").write_text(TABLE.format(timeout_s=timeout_s))
        (tests / "scenarios" / "tried.py").write_text(script)
        (tests / "media").mkdir()
        debug = runner.REPOSITORY / "target" / "debug"
        return runner.Run(tests, tests / "out", tests / "media", (debug / "swarm", debug / "test-origin"), True)

    def test_a_scenario_that_must_fail_does_fail(self) -> None:
        with ThreadPoolExecutor(4) as pool:
            played = pool.map(lambda case: self.play(case[1][0], str(case[0])), enumerate(MUST_FAIL))
            for (script, expected), (result, said) in zip(MUST_FAIL, played):
                with self.subTest(script):
                    self.assertEqual(result.outcome, "failed", said)
                    self.assertIn(expected, said)

    def test_a_scenario_that_must_pass_does_pass(self) -> None:
        result, said = self.play(MUST_PASS, "pass")
        self.assertEqual(result.outcome, "passed", said)
        self.assertEqual(result.why, "skipped: the verdict, because the load box was short of cpu: " + AS_IT_WENT)

    def test_a_scenario_that_takes_too_long_is_ended(self) -> None:
        result, said = self.play("box.succeed('sleep 4242')", "long", timeout_s=3)
        self.assertEqual((result.outcome, result.why), ("failed", "it took longer than 3 s"), said)
        self.assert_nothing_is_left("4242")

    def test_nothing_outlives_the_runner_whatever_ends_it(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                marker = f"43{number:02}"
                run = self.prepare(f"box.succeed('sleep {marker}')", marker, 60)
                argv = [sys.executable, "-m", "local", "--tests", str(run.tests), "--folder", str(run.folder)]
                with subprocess.Popen(argv, cwd=table.TESTS, stdout=subprocess.DEVNULL) as process:
                    wait_until(lambda marker=marker: bool(sleepers(marker)))  # type: ignore[misc]
                    process.send_signal(number)
                    self.assertNotEqual(process.wait(30), 0)
                self.assert_nothing_is_left(marker)

    def assert_nothing_is_left(self, marker: str) -> None:
        """Processes are gone, and with them their namespaces; none of those had a name."""
        wait_until(lambda: not sleepers(marker))
        links = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("lab", links)


class Pure(unittest.TestCase):
    """What needs no world."""

    def test_settings_become_flags(self) -> None:
        settings: dict[str, table.Setting] = {"port": 1, "verbose": True, "quiet": False, "name": ["a", "b"]}
        self.assertEqual(flags(settings), ["--port", "1", "--verbose", "--name", "a", "--name", "b"])

    def test_every_method_of_a_machine_is_stated(self) -> None:
        stub = (table.TESTS / "stubs" / "driver.pyi").read_text()
        ours = [name for name in vars(Machine) if not name.startswith("_")]
        self.assertEqual([name for name in ours if f"def {name}(self" not in stub], [])

    def test_the_table_has_every_script_and_says_what_is_wrong_with_it(self) -> None:
        for text, message in [
            ("[roles]\n[scenarios.x]\nhosts = {}\n", "there is no scenarios/x.py"),
            ("[roles]\n[scenarios.tried]\nhosts = { a = {} }\n", "there is no role a"),
            ("[roles]\n[scenarios.tried]\nhosts = {}\ncores = 3\n", "unknown key cores"),
            ("[roles]\n[scenarios]\n", "no entry for the script of tried"),
        ]:
            with self.subTest(text), tempfile.TemporaryDirectory() as name:
                (Path(name) / "scenarios").mkdir()
                (Path(name) / "scenarios" / "tried.py").touch()
                (Path(name) / "scenarios.toml").write_text("timeout_s = 1\n" + text)
                with self.assertRaisesRegex(table.TableError, message):
                    table.read(Path(name))

    def test_every_scenario_has_its_row_in_the_documentation(self) -> None:
        page = (runner.REPOSITORY / "docs" / "TESTING.md").read_text()
        named = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)
        self.assertEqual(sorted(named), sorted(table.read()))

    def test_scripts_are_checked_against_the_driver(self) -> None:
        for line, message in [
            ("origin.wait_untill_succeeds('true')", "has no attribute"),
            ("origin.succeed(1)", "incompatible type"),
            ("origin.wait_until_succeeds('true', timeout=3)", "Unexpected keyword argument"),
            ("stranger.succeed('true')", "is not defined"),
        ]:
            with self.subTest(line), tempfile.TemporaryDirectory() as name:
                scenario = next(iter(table.read().values()))
                script = Path(name) / "script.py"
                script.write_text(lint.with_types(scenario) + line + "\n")
                environment = {**os.environ, "MYPYPATH": str(table.TESTS / "stubs")}
                argv = ["mypy", *lint.CACHE, str(script)]
                done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 1, done.stdout)
                self.assertIn(message, done.stdout)


def sleepers(marker: str) -> list[str]:
    """Processes of this machine that sleep for `marker` seconds."""
    found = subprocess.run(["pgrep", "-fx", f"sleep {marker}"], capture_output=True, text=True, check=False)
    return found.stdout.split()


def wait_until(is_so: Callable[[], bool], patience_s: float = 30) -> None:
    """Fails when it never is so."""
    deadline = time.monotonic() + patience_s
    while not is_so():
        assert time.monotonic() < deadline, f"not so in {patience_s} s"
        time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
