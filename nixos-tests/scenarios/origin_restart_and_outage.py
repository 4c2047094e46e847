"""The origin goes away under load and comes back: every viewer comes back too, and soon."""

VIEWERS = 8
# The longest pause between two attempts is 5 s and a fifth; then FFmpeg has to start and to play.
RECOVERY_S = 30

start_all()
wait_until_live(origin)
load = Swarm(swarm, f"-clients {VIEWERS} -ramp-rate 10 $STREAM")
load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}")

with subtest("A restart under load"):
    origin.systemctl("restart hls-test-origin.service")
    origin.wait_for_unit("hls-test-origin.service")
    wait_until_live(origin)
    load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}", RECOVERY_S)

with subtest("An outage: nobody listens, viewers fail, and the swarm keeps on trying"):
    refused = load.metrics.value("hlsswarm_requests_total", 'status="refused"')
    restarted = load.metrics.value("hlsswarm_clients_restarted_total")
    origin.stop_job("hls-test-origin.service")
    load.metrics.wait_until("hlsswarm_clients_playing == 0")
    load.metrics.wait_until(f'hlsswarm_requests_total{{status="refused"}} >= {refused + VIEWERS}')
    load.metrics.wait_until(f"hlsswarm_clients_restarted_total >= {restarted + VIEWERS}")
    load.metrics.require(f"hlsswarm_clients_target == {VIEWERS}")

with subtest("The origin is back: all viewers play again, within the time that back-off allows"):
    origin.start_job("hls-test-origin.service")
    origin.wait_for_unit("hls-test-origin.service")
    wait_until_live(origin)
    before = len(requests_served(origin))
    load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}", RECOVERY_S)
    load.metrics.require(f"hlsswarm_clients_active == {VIEWERS}")
    # They play from this origin, not from their buffers.
    assert len(requests_served(origin)) > before

report = load.finish()
assert report["viewers"]["active_at_end"] == VIEWERS, report["viewers"]
assert rows(report["wire"]["errors"], "class")["refused"]["count"] >= 1, report["wire"]["errors"]
