"""A healthy run: the ramp is as fast as it was asked to be, all viewers play, and both sides counted the same."""

VIEWERS = 10
RAMP_RATE = 5

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

with subtest("It is called healthy, in the first word that it says"):
    report = load.finish()
    require_verdict(report, "healthy", None)
    assert load.summary().startswith(report["verdict"]["state"].upper()), load.summary()

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

with subtest("Both sides counted the same requests and the same bytes"):
    before = len(requests_served(origin))
    load = Swarm(swarm, f"-clients {VIEWERS} -ramp-rate {RAMP_RATE} $STREAM")
    load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}")
    load.metrics.wait_until("hlsswarm_playing_seconds_total > 40")
    load.rest()
    require_same("in /metrics", load.counts, "served", lambda: counts_of(requests_served(origin)[before:]))
    # What stands still is killed at the end, and asks for nothing any more.
    report = load.finish()
    require_same("in the report", lambda: counts_in(report), "served", lambda: counts_of(requests_served(origin)[before:]))

with subtest("The origin's own figures are those of its log"):
    lines = [json.loads(line) for line in origin.succeed("cat $ACCESS_LOG").splitlines()]
    segments = sum(line["uri"].endswith(".ts") for line in lines)
    Metrics(swarm, "$ORIGIN_URL").wait_until(f'hlsorigin_requests_total{{kind="segment"}} == {segments}')
