"""The swarm's network cable is pulled and plugged in again: stalls are counted, and everybody comes back."""

VIEWERS = 5

start_all()
wait_until_live(origin)
load = Swarm(swarm, f"-clients {VIEWERS} -ramp-rate 10 $STREAM")
load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}")
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

report = load.finish()
assert report["viewers"]["active_at_end"] == VIEWERS, report["viewers"]
assert report["wire"]["playback"]["viewers_ever_stalled"] == VIEWERS, report["wire"]["playback"]
assert report["wire"]["playback"]["stalled_s"] > 0, report["wire"]["playback"]
