"""The swarm's network cable is pulled and plugged in again: stalls are counted, everybody comes back, and it was an outage."""

VIEWERS = 5

start_all()
wait_until_live(origin)
load = Swarm(swarm, f"-clients {VIEWERS} -ramp-rate 10 $STREAM")
load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}")
# A run that was mostly trouble had no outage.
load.metrics.wait_until(f"hlsswarm_playing_seconds_total > {6 * VIEWERS}")
load.metrics.require("hlsswarm_stalls_total == 0")

with subtest("Without a network every viewer stalls, and keeps its process"):
    swarm.block()
    load.metrics.wait_until(f"hlsswarm_clients_stalled == {VIEWERS}")
    load.metrics.require(f"hlsswarm_stalls_total == {VIEWERS}", f"hlsswarm_clients_active == {VIEWERS}")
    # The origin itself is well.
    origin.succeed("curl --silent --fail $ORIGIN_URL/healthz")

with subtest("With it every viewer plays again"):
    swarm.unblock()
    load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}")
    load.metrics.wait_until("hlsswarm_clients_stalled == 0")
    load.metrics.wait_until("hlsswarm_playlists_stale == 0")

with subtest("It was an outage, which everybody survived, and no overload"):
    load.play_until_verdict("degraded")
    load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}")
    report = load.finish()
    # The segment that was on its way, if there was one, is late before its viewer stalls.
    require_verdict(report, "degraded", "outage", "stalls", "late")
    assert report["viewers"]["active_at_end"] == VIEWERS, report["viewers"]
    assert report["processes"]["restarted"] == 0, report["processes"]
    playback, outages = report["wire"]["playback"], report["wire"]["outages"]
    assert playback["viewers_ever_stalled"] == VIEWERS and playback["stalled_s"] > 0, playback
    assert outages["count"] >= 1 and outages["recovered_after_s"] is not None, outages
