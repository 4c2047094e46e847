"""The units of both modules: confined, restarted after a crash, heard in the journal, and stopped without a rest."""

ORIGIN = "hls-test-origin.service"
SWARM = "hls-swarm.service"
# systemd's own score, from 0 (locked up) to 10; a unit that says nothing has 9.6.
HIGHEST_EXPOSURE = 2.5


def exposure(host: Host, unit: str) -> float:
    """How much of the machine a unit can reach, as systemd sees it."""
    said = host.succeed(f"systemd-analyze security --no-pager {unit}")
    (score,) = re.findall(rf"exposure level for {unit}: ([\d.]+)", said)
    return float(score)


start_all()

with subtest("A swarm that finds no stream yet is started again until there is one"):
    origin.systemctl(f"stop {ORIGIN}")
    swarm.start_job(SWARM)
    swarm.wait_until_succeeds(f"test $(systemctl show --value --property NRestarts {SWARM}) -ge 1", PATIENCE_S)
    origin.start_job(ORIGIN)
    wait_until_live(origin)
    Metrics(swarm, "$SWARM_URL").wait_until("hlsswarm_clients_playing == 10")

with subtest("Neither unit can reach more of its machine than it needs"):
    for host, unit in ((origin, ORIGIN), (swarm, SWARM)):
        score = exposure(host, unit)
        host.log(f"{unit}: {score}")
        assert score <= HIGHEST_EXPOSURE, f"{unit} has an exposure of {score}"
        user = host.succeed(f"ps --no-headers -o user --pid $(systemctl show --value --property MainPID {unit})").strip()
        assert user not in ("root", "0"), user

with subtest("An origin that is killed comes back, and viewers with it"):
    before = origin.succeed(f"systemctl show --value --property MainPID {ORIGIN}").strip()
    origin.succeed(f"kill -KILL {before}")
    origin.wait_until_succeeds(f"test $(systemctl show --value --property NRestarts {ORIGIN}) -ge 1", PATIENCE_S)
    wait_until_live(origin)
    Metrics(swarm, "$SWARM_URL").wait_until("hlsswarm_clients_playing == 10")

with subtest("The journal has what both said"):
    origin.succeed(f"journalctl --unit {ORIGIN} | grep 'can be played'")
    swarm.succeed(f"journalctl --unit {SWARM} | grep '10 viewers'")

with subtest("A stop is graceful and leaves nothing"):
    swarm.stop_job(SWARM)
    swarm.succeed(f"journalctl --unit {SWARM} | grep 'stopped by a signal'")
    assert swarm.succeed(f"systemctl show --value --property Result {SWARM}").strip() == "success"
    assert ffmpegs(swarm) == []
    origin.stop_job(ORIGIN)
    assert ffmpegs(origin) == []
    origin.fail("ls -d /run/hls-test-origin/*")
