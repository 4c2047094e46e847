"""The origin goes away under load and comes back: every viewer comes back too, and soon."""

VIEWERS = 8
UNIT = "hls-test-origin.service"
# The longest pause between two attempts is 5 s and a fifth; then FFmpeg has to start and to play.
RECOVERY_S = 30


def playing() -> Swarm:
    """A run in which all viewers play, for long enough that what follows is not most of it."""
    load = Swarm(swarm, f"-clients {VIEWERS} -ramp-rate 10 $STREAM")
    load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}")
    load.metrics.wait_until(f"hlsswarm_playing_seconds_total > {8 * VIEWERS}")
    return load


start_all()
wait_until_live(origin)

with subtest("A restart under load: all viewers play on, from the new origin"):
    load = playing()
    origin.systemctl(f"restart {UNIT}")
    origin.wait_for_unit(UNIT)
    wait_until_live(origin)
    played = load.metrics.value("hlsswarm_playing_seconds_total")
    # More than is in their buffers.
    load.metrics.wait_until(f"hlsswarm_playing_seconds_total > {played + 6 * VIEWERS}")
    load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}", RECOVERY_S)
    report = load.finish()
    assert report["viewers"]["active_at_end"] == VIEWERS, report["viewers"]
    # They felt it: a request fell into the gap, or came to a playlist that began anew.
    began_anew = any(playlist["times_backwards"] > 0 for playlist in report["wire"]["playlists"])
    assert report["wire"]["errors"] != [] or began_anew, report["wire"]

with subtest("An outage: nobody listens, viewers fail, and the swarm keeps on trying"):
    load = playing()
    origin.stop_job(UNIT)
    load.metrics.wait_until("hlsswarm_clients_playing == 0")
    load.metrics.wait_until(f'hlsswarm_requests_total{{status="refused"}} >= {4 * VIEWERS}')
    load.metrics.wait_until(f"hlsswarm_clients_restarted_total >= {VIEWERS}")
    load.metrics.require(f"hlsswarm_clients_target == {VIEWERS}")

with subtest("The origin is back: all viewers play again, within the time that back-off allows"):
    origin.start_job(UNIT)
    origin.wait_for_unit(UNIT)
    wait_until_live(origin)
    before = len(requests_served(origin))
    load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}", RECOVERY_S)
    load.metrics.require(f"hlsswarm_clients_active == {VIEWERS}")
    # They play from this origin, not from their buffers.
    assert len(requests_served(origin)) > before

with subtest("It was an outage that began with refused connections, and the report says when it was over"):
    load.play_until_verdict("degraded")
    load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}")
    report = load.finish()
    require_verdict(report, "degraded", "outage", "errors")
    assert report["viewers"]["active_at_end"] == VIEWERS, report["viewers"]
    refused = rows(report["wire"]["errors"], "class")["refused"]
    assert refused["count"] >= 4 * VIEWERS, report["wire"]["errors"]
    outages = report["wire"]["outages"]
    assert 0 < outages["last_began_after_s"] < outages["recovered_after_s"], outages
