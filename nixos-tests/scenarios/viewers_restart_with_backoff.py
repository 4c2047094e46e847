"""FFmpegs are killed again and again: each death is counted, and viewers come back later each time, and not together."""

VIEWERS = 6
# Pauses are 0.25 s × 1.7 per failure, each spread by a fifth: after the fourth in a row 1.23 s.
ROUNDS = 4
PAUSE_S = 0.25 * 1.7 ** (ROUNDS - 1)

# Of the jitter: with this one the fourth pauses of the six differ by 0.37 s. Without any, it is what the machine needs to
# start six processes.
SEED = 3
SPREAD_S = 0.2


def started_at(pids: list[int]) -> list[float]:
    """Seconds since boot at which processes started, the first one first."""
    ticks = int(swarm.succeed("getconf CLK_TCK"))
    # Field 22 of all; the name in field 2 has no space.
    times = swarm.succeed(f"cut -d ' ' -f 22 {' '.join(f'/proc/{pid}/stat' for pid in pids)}")
    return sorted(int(time) / ticks for time in times.split())


start_all()
wait_until_live(origin)
load = Swarm(swarm, f"-clients {VIEWERS} -ramp-rate 20 -seed {SEED} $STREAM")
load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}")

for round_ in range(1, ROUNDS + 1):
    with subtest(f"All FFmpegs are killed, time {round_}: each death and each restart is counted"):
        killed_at = float(swarm.succeed("pkill -KILL -x ffmpeg; cut -d ' ' -f 1 /proc/uptime"))
        dead = round_ * VIEWERS
        load.metrics.wait_until(f'hlsswarm_process_exits_total{{code="signal_9"}} == {dead}')
        load.metrics.wait_until(f"hlsswarm_clients_restarted_total == {dead}")
        load.metrics.wait_until(f"hlsswarm_clients_active == {VIEWERS}")

with subtest("Viewers that died together do not come back together, and not at once"):
    starts = started_at(ffmpegs(swarm))
    assert len(starts) == VIEWERS, starts
    after = [start - killed_at for start in starts]
    assert after[0] >= 0.8 * PAUSE_S - 0.1, f"after {after} s, and the pause is {PAUSE_S} s"
    assert after[-1] - after[0] >= SPREAD_S, f"all at the same time: after {after} s"

with subtest("All play again"):
    load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS}")

report = load.finish()
assert report["processes"]["restarted"] == ROUNDS * VIEWERS, report["processes"]
assert report["processes"]["exits"] == {"signal_9": ROUNDS * VIEWERS}, report["processes"]
assert report["viewers"]["active_at_end"] == VIEWERS, report["viewers"]
