"""The encoder freezes: the playlist answers and gains nothing. That is a stale stream, not an overloaded origin."""

start_all()
wait_until_live(origin)
load = Swarm(swarm, "-clients 5 -ramp-rate 10 $STREAM")
load.metrics.wait_until("hlsswarm_clients_playing == 5")
load.metrics.wait_until("hlsswarm_playing_seconds_total > 30")
load.metrics.require("hlsswarm_playlists_stale == 0", "hlsswarm_stalls_total == 0")

with subtest("The playlist goes stale, and the origin says so itself"):
    origin.succeed("test-origin fault add freeze")
    load.metrics.wait_until("hlsswarm_playlists_stale == 1")
    # One-second target duration: stale is more than 1.5 s.
    load.metrics.require("hlsswarm_playlist_age_seconds > 1.5")
    origin.wait_until_fails("curl --silent --fail $ORIGIN_URL/healthz", PATIENCE_S)

with subtest("Every viewer stalls when its buffer is empty"):
    load.metrics.wait_until("hlsswarm_clients_stalled == 5")
    load.metrics.require("hlsswarm_stalls_total == 5", "hlsswarm_clients_active == 5")

with subtest("Nothing looks like overload: each answer is there, and in time"):
    load.metrics.require("hlsswarm_late_segments_total == 0")
    assert {entry["status"] for entry in requests_served(origin)} <= {200, 206}

with subtest("The encoder goes on, and so do the viewers"):
    origin.succeed("test-origin fault clear")
    load.metrics.wait_until("hlsswarm_clients_playing == 5")
    load.metrics.wait_until("hlsswarm_playlists_stale == 0")
    wait_until_live(origin)

with subtest("It is told as what it was: a stream that went stale, and went on"):
    load.play_until_verdict("degraded")
    report = load.finish()
    require_verdict(report, "degraded", "stale", "stale")
    assert report["wire"]["errors"] == [], report["wire"]["errors"]
    assert report["wire"]["playback"]["viewers_ever_stalled"] == 5, report["wire"]["playback"]
    assert report["wire"]["playlists"][0]["times_stale"] >= 1, report["wire"]["playlists"]
    assert report["wire"]["playback"]["rebuffer_ratio"] > 0, report["wire"]["playback"]
