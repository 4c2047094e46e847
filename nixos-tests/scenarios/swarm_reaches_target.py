"""A healthy run: the ramp is as fast as it was asked to be, all viewers play, and both sides counted the same."""

from itertools import combinations

VIEWERS = 10
RAMP_RATE = 5
# Clocks of two machines, and the time between nginx's last byte and ours.
EDGE_S = 0.2


def by_kind(lines: typing.Iterable[dict[str, typing.Any]]) -> dict[str, tuple[int, int]]:
    """Requests and bytes of each kind in the origin's log."""
    kinds: dict[str, tuple[int, int]] = {}
    for line in lines:
        kind = "playlist" if line["uri"].endswith(".m3u8") else "segment"
        requests, size = kinds.get(kind, (0, 0))
        kinds[kind] = (requests + 1, size + line["bytes"])
    return kinds


start_all()
wait_until_live(origin)
load = Swarm(swarm, f"-clients {VIEWERS} -ramp-rate {RAMP_RATE} $STREAM")

with subtest("It reaches its target, and is ready then"):
    load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}")
    load.metrics.require(f"hlsswarm_clients_active == {VIEWERS}", f"hlsswarm_clients_target == {VIEWERS}")
    assert len(ffmpegs(swarm)) == VIEWERS
    swarm.succeed("curl --silent --fail $SWARM_URL/readyz")

with subtest("All play on for a while"):
    played = load.metrics.value("hlsswarm_playing_seconds_total")
    load.metrics.wait_until(f"hlsswarm_playing_seconds_total > {played + 5 * VIEWERS}")

report = load.finish()

with subtest("The ramp is as fast as it was asked to be"):
    reached = report["viewers"]["target_reached_after_s"]
    # The last of 10 starts at 5 per second is due after 1.8 s, and at most one gap later.
    assert 1.8 <= reached <= 4, reached
    assert report["processes"]["started"] == VIEWERS, report["processes"]

with subtest("Nobody was lost on the way"):
    assert report["processes"]["restarted"] == 0, report["failures"]
    assert report["viewers"]["least_active"] == VIEWERS, report["viewers"]
    assert report["viewers"]["have_played"] == VIEWERS, report["viewers"]
    assert report["wire"]["errors"] == [], report["wire"]["errors"]
    assert report["wire"]["playback"]["stalls"] == 0, report["wire"]["playback"]

with subtest("It is called healthy, in the first word that it says"):
    require_verdict(report, "healthy", None)
    assert load.summary().startswith(report["verdict"]["state"].upper()), load.summary()

with subtest("Both sides counted the same requests and the same bytes"):
    measured = {row["kind"]: (row["requests"], row["bytes"]) for row in report["wire"]["kinds"]}
    served = requests_served(origin)
    # The report ends where the end of the run begins; requests at that very moment may be on either side of it.
    began = float(swarm.succeed(f"date +%s.%N --date {report['started_at']}"))
    end = began + report["wire"]["elapsed_s"]
    settled = [line for line in served if line["time"] < end - EDGE_S]
    edge = [line for line in served if end - EDGE_S <= line["time"] <= end + EDGE_S]
    choices = (some for count in range(len(edge) + 1) for some in combinations(edge, count))
    assert any(by_kind([*settled, *some]) == measured for some in choices), (
        f"{measured} measured; {by_kind(settled)} served for certain, and {by_kind(edge)} about the end"
    )

with subtest("The origin's own figures are those of its log"):
    lines = [json.loads(line) for line in origin.succeed("cat $ACCESS_LOG").splitlines()]
    segments = sum(line["uri"].endswith(".ts") for line in lines)
    Metrics(swarm, "$ORIGIN_URL").wait_until(f'hlsorigin_requests_total{{kind="segment"}} == {segments}')
