"""What several scenarios need. This text stands before that of each scenario, so its names are those of the script.

Only what every release of the NixOS test driver has is used, and arguments are given by their place: releases call
some of them differently.
"""

import json
import operator
import re
import shlex
import typing
from collections.abc import Callable

# Longer than anything takes on a busy machine; what is waited for usually comes within a few seconds.
PATIENCE_S = 90
# An outage of ten seconds is one when as many have passed without trouble; the rest is for seconds that do not count.
SETTLE_S = 40
# The kernel takes no argument of a command that is longer than 128 KiB, and quotes may make five characters of one.
PIECE = 20_000

# Requests and bytes of their bodies, by kind: `{"playlist": (12, 3400), "segment": (40, 5000000)}`.
Counts = dict[str, tuple[int, int]]


class Host(typing.Protocol):
    """The part of a machine object that these helpers use."""

    name: str

    def execute(self, command: str, /) -> tuple[int, str]: ...

    def succeed(self, *commands: str) -> str: ...

    def wait_until_succeeds(self, command: str, timeout: int, /) -> str: ...

    def log(self, msg: str, /) -> None: ...


def wait_until(what: str, is_so: Callable[[], bool], patience_s: int = PATIENCE_S) -> None:
    """Asks once a second until it is so. Fails with `what` when it never was."""

    def attempt(last: bool) -> bool:
        so = is_so()
        assert so or not last, f"never came about in {patience_s} s: {what}"
        return so

    retry(attempt, patience_s)


class Condition:
    """Something that a metric shall be: `hlsswarm_clients_active == 5`, `hlsswarm_requests_total{kind="key"} < 1`."""

    FORM = re.compile(r"(\w+)(?:\{(.*)\})? (==|>=|<=|<|>) (\S+)")
    COMPARE: dict[str, Callable[[float, float], bool]] = {
        "==": operator.eq,
        ">=": operator.ge,
        "<=": operator.le,
        "<": operator.lt,
        ">": operator.gt,
    }

    def __init__(self, text: str) -> None:
        parts = self.FORM.fullmatch(text)
        assert parts, f"no condition: {text}"
        self.name, self.labels, self.comparison = parts[1], parts[2] or "", parts[3]
        self.bound = float(parts[4])

    def holds(self, value: float) -> bool:
        """Whether it is so for this value."""
        return self.COMPARE[self.comparison](value, self.bound)


def sum_of(page: str, name: str, labels: str = "") -> float:
    """Sum of the series of a metric that bear all of `labels` (`kind="segment"`); 0 when there is none."""
    wanted = set(filter(None, labels.split(",")))
    samples = re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", page, re.MULTILINE)
    return sum(float(value) for found, bears, value in samples if found == name and wanted <= set(bears.split(",")))


class Metrics:
    """The /metrics page under `url` (which may be a shell variable), read from `host`."""

    def __init__(self, host: Host, url: str) -> None:
        self.host = host
        self.url = url
        self.command = f"curl --silent --fail --max-time 10 {url}/metrics"

    def value(self, name: str, labels: str = "") -> float:
        """See `sum_of`."""
        return sum_of(self.host.succeed(self.command), name, labels)

    def require(self, *conditions: str) -> None:
        """Fails unless each condition holds now."""
        page = self.host.succeed(self.command)
        for text in conditions:
            condition = Condition(text)
            value = sum_of(page, condition.name, condition.labels)
            assert condition.holds(value), f"{text} is wrong: it is {value:g}"

    def wait_until(self, text: str, patience_s: int = PATIENCE_S) -> None:
        """Waits until the condition holds; an unreadable page is waited for, too."""
        condition = Condition(text)
        last = ""
        self.host.log(f"waiting until {text}")

        def is_so() -> bool:
            nonlocal last
            status, page = self.host.execute(self.command)
            if status != 0:
                last = f"the page could not be read (curl: {status})"
                return False
            value = sum_of(page, condition.name, condition.labels)
            last = f"it is {value:g}"
            return condition.holds(value)

        try:
            wait_until(text, is_so, patience_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; {last}") from None


class Swarm:
    """A run of the program under test in the background of `host`. `arguments` are shell words.

    One that runs beside another needs a port of its own for its metrics.
    """

    def __init__(self, host: Host, arguments: str, metrics_port: int | None = None) -> None:
        self.host = host
        self.folder = host.succeed("mktemp -d /tmp/swarm-XXXXXX").strip()
        self.metrics = Metrics(host, f"${host.name.upper()}_URL")
        if metrics_port is not None:
            arguments = f"-metrics 127.0.0.1:{metrics_port} {arguments}"
            self.metrics = Metrics(host, f"http://127.0.0.1:{metrics_port}")
        # Detached as the driver demands: nothing holds the command's output. The end is told by a file that appears whole.
        host.succeed(
            f"cd {self.folder}; {{ swarm -report report.json {arguments} & echo $! >pid; code=0; wait $! || code=$?; "
            "echo $code >code.part; mv code.part code; } >stdout 2>stderr </dev/null &"
        )
        host.wait_until_succeeds(f"test -s {self.folder}/pid", PATIENCE_S)

    def pid(self) -> int:
        """Of the program itself."""
        return int(self.host.succeed(f"cat {self.folder}/pid"))

    def signal(self, name: str) -> None:
        """Sends a signal to the program: `TERM`, `KILL`."""
        self.host.succeed(f"kill -{name} {self.pid()}")

    def wait_for_end(self, patience_s: int = PATIENCE_S) -> int:
        """Returns its exit code; 128 and more is a signal."""
        code = self.host.wait_until_succeeds(f"cat {self.folder}/code", patience_s)
        return int(code)

    def rest(self) -> None:
        """Stops its FFmpegs at a moment when nothing is under way, so that both sides have counted the same.

        One that is stopped within a request holds that up: then they go on, and it is tried again.
        """

        def nothing_is_under_way() -> bool:
            self.host.succeed("pkill -STOP -x ffmpeg")
            try:
                self.metrics.wait_until("hlsswarm_requests_in_flight == 0", 3)
            except AssertionError:
                self.host.succeed("pkill -CONT -x ffmpeg")
                return False
            return True

        wait_until("all FFmpegs stand still between two requests", nothing_is_under_way)

    def play_until_verdict(self, state: str) -> None:
        """Plays on until the run is called so, for which trouble has to be over for long enough.

        A load box that stays short of something may keep it from that: then `require_verdict` has the last word.
        """
        try:
            self.metrics.wait_until(f'hlsswarm_verdict{{state="{state}"}} == 1', SETTLE_S)
        except AssertionError as error:
            self.host.log(str(error))

    def counts(self) -> Counts:
        """What it has measured, so far as it was asked for."""
        page = self.host.succeed(self.metrics.command)
        kinds = sorted(set(re.findall(r'^hlsswarm_requests_total\{.*kind="(\w+)"', page, re.MULTILINE)))
        totals = ("hlsswarm_requests_total", "hlsswarm_response_bytes_total")
        found = {kind: [int(sum_of(page, name, f'kind="{kind}"')) for name in totals] for kind in kinds}
        return {kind: (requests, size) for kind, (requests, size) in found.items() if requests}

    def finish(self, patience_s: int = PATIENCE_S) -> typing.Any:
        """Ends it in good order, demands that it went well, and returns its report."""
        self.signal("TERM")
        return self.succeeded(patience_s)

    def succeeded(self, patience_s: int = PATIENCE_S) -> typing.Any:
        """Waits for its end, demands that it went well, and returns its report."""
        code = self.wait_for_end(patience_s)
        assert code == 0, f"swarm ended with {code}: {self.stderr()}"
        return self.report()

    def report(self) -> typing.Any:
        """The JSON report."""
        return json.loads(self.host.succeed(f"cat {self.folder}/report.json"))

    def summary(self) -> str:
        """What it said on stdout."""
        return self.host.succeed(f"cat {self.folder}/stdout")

    def stderr(self) -> str:
        """Its log."""
        return self.host.succeed(f"cat {self.folder}/stderr")


def ffmpegs(host: Host) -> list[int]:
    """Process ids of all FFmpegs on a host."""
    _, text = host.execute("pgrep -x ffmpeg")
    return [int(pid) for pid in text.split()]


def wait_until_no_ffmpeg_is_left(host: Host, patience_s: int = PATIENCE_S) -> None:
    """Dead is not enough: what nobody reaped is left, too."""
    wait_until(f"no FFmpeg is left on {host.name}", lambda: not ffmpegs(host), patience_s)


def wait_until_live(host: Host, url: str = "$ORIGIN_URL") -> None:
    """Waits until the origin says that its stream can be played."""
    host.wait_until_succeeds(f"curl --silent --fail --max-time 5 {url}/healthz", PATIENCE_S)


def requests_served(host: Host, user_agent: str = "ffmpeg-hls-swarm/") -> list[dict[str, typing.Any]]:
    """The origin's access log, so far as viewers made the requests: FFmpeg asks for ranges, the preflight does not."""
    lines = host.succeed("cat $ACCESS_LOG").splitlines()
    entries = [json.loads(line) for line in lines]
    return [entry for entry in entries if entry["range"] and entry["user_agent"].startswith(user_agent)]


def counts_of(lines: list[dict[str, typing.Any]]) -> Counts:
    """What these lines of the access log amount to, of a stream that has one variant."""
    kinds: Counts = {}
    for line in lines:
        kind = {"m3u8": "playlist", "ts": "segment"}[line["uri"].rpartition(".")[2]]
        requests, size = kinds.get(kind, (0, 0))
        kinds[kind] = (requests + 1, size + line["bytes"])
    return kinds


def counts_in(report: typing.Any) -> Counts:
    """What a report says that was measured."""
    return {row["kind"]: (row["requests"], row["bytes"]) for row in report["wire"]["kinds"]}


def require_same(one: str, what: Callable[[], Counts], other: str, what_other: Callable[[], Counts]) -> None:
    """Fails unless both count the same. Nginx writes its line a moment after the last byte has arrived."""
    counted: list[Counts] = []

    def are_the_same() -> bool:
        counted[:] = what(), what_other()
        return counted[0] == counted[1]

    try:
        wait_until("both sides count the same", are_the_same, 10)
    except AssertionError:
        raise AssertionError(f"requests and bytes: {counted[0]} {one}, {counted[1]} {other}") from None


def put(host: Host, path: str, text: str) -> None:
    """Writes a file on a host, without a copy of it in the log."""
    host.log(f"writing {path}, {len(text)} characters")
    for at in range(0, len(text), PIECE):
        sign = ">>" if at else ">"
        status, _ = host.execute(f"printf %s {shlex.quote(text[at : at + PIECE])} {sign}{path}")
        assert status == 0, f"{path} could not be written: {status}"


def require_verdict(report: typing.Any, state: str, cause: str | None, *signs: str) -> None:
    """Fails unless this is what the run was called, and trouble began with one of these signs (`errors`, `stalls`, …).

    Seconds in which the load box was short of something are not judged: another verdict of such a run proves nothing.
    """
    verdict, first = report["verdict"], report["judgement"]["first_signs"][:1]
    begins_so = [sign["kind"] in signs for sign in first] == [True] * bool(signs)
    if (verdict["state"], verdict["cause"]) == (state, cause) and begins_so:
        return
    told = f"{verdict['state']}, {verdict['cause']}, first sign {first}: {verdict['sentence']}"
    short_of = report["generator"]["saturated_resource"]
    assert short_of, f"it was not {state}, {cause}, first sign of {signs}, but {told}"
    print(f"skipped: the verdict, because the load box was short of {short_of}: {told}")


def rows(section: list[dict[str, typing.Any]], key: str) -> dict[str, dict[str, typing.Any]]:
    """A list of a report by one of its fields: `rows(report["wire"]["kinds"], "kind")["segment"]`."""
    return {row[key]: row for row in section}

