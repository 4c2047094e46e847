"""However a swarm ends, no FFmpeg is left on the host; and whenever it can, it reports."""

VIEWERS = 10
# Everything is gone within 2 s (docs/SUPERVISION.md); the rest is for a busy machine.
STOP_S = 15

start_all()
wait_until_live(origin)

with subtest("SIGTERM in the ramp: exit code 0, a report, nothing left"):
    load = Swarm(swarm, "-clients 100 -ramp-rate 5 $STREAM")
    load.metrics.wait_until("hlsswarm_clients_started_total >= 5")
    # A run in which nobody ever played ends with another code, and FFmpeg tells of media once in a while.
    load.metrics.wait_until("hlsswarm_playing_seconds_total > 5")
    report = load.finish(STOP_S)
    assert report["outcome"]["ended_by"] == "signal", report["outcome"]
    assert 5 <= report["processes"]["started"] < 100, report["processes"]
    assert ffmpegs(swarm) == [], "SIGTERM in the ramp left FFmpegs"

with subtest("SIGTERM at full load: exit code 0, a report, nothing left"):
    load = Swarm(swarm, f"-clients {VIEWERS} -ramp-rate 20 $STREAM")
    load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}")
    report = load.finish(STOP_S)
    assert report["outcome"]["ended_by"] == "signal", report["outcome"]
    assert report["viewers"]["active_at_end"] == VIEWERS, report["viewers"]
    # Viewers that were told to stop did not fail.
    assert report["processes"]["stopped"] == VIEWERS, report["processes"]
    assert report["processes"]["restarted"] == 0, report["processes"]
    assert ffmpegs(swarm) == [], "SIGTERM at full load left FFmpegs"
    assert "Held" in load.summary(), load.summary()

with subtest("SIGKILL: nothing can be reported, and yet nothing is left"):
    load = Swarm(swarm, f"-clients {VIEWERS} -ramp-rate 20 $STREAM")
    load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}")
    # A stopped FFmpeg cannot notice by itself that its swarm is gone.
    swarm.succeed("pkill -STOP -x ffmpeg")
    load.signal("KILL")
    assert load.wait_for_end(STOP_S) == 128 + 9
    wait_until_no_ffmpeg_is_left(swarm, STOP_S)
    swarm.fail(f"test -e {load.folder}/report.json")

with subtest("The origin is as well as before"):
    wait_until_live(origin)
