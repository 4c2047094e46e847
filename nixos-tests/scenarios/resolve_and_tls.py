"""One edge by its address: a name that nobody resolves, a certificate that nobody vouches for, and the gate for both."""

start_all()
wait_until_live(origin, "--insecure $ORIGIN_URL")

stream = swarm.succeed("echo $STREAM").strip()
public = stream.replace("//origin:", "//cdn.example.test:")
address = swarm.succeed("getent ahostsv4 origin").split()[0]
assert public != stream


def check(flags: str) -> tuple[int, str]:
    """Exit code and words of a swarm that tries the stream under its public name."""
    status, said = swarm.execute(f"swarm -check -metrics off -timeout 5s {flags} 2>&1")
    swarm.log(f"{flags}: {status}: {said}")
    return status, said


with subtest("A name that does not resolve is told in preflight"):
    status, said = check(public)
    assert status == 3 and "cdn.example.test" in said, (status, said)

with subtest("-resolve without -dangerous is refused, with what to do"):
    status, said = check(f"-resolve {address} {public}")
    assert status == 2 and "-dangerous" in said, (status, said)

with subtest("A certificate that nobody vouches for is refused"):
    status, said = check(stream)
    assert status == 3 and "certificate" in said, (status, said)

with subtest("With both, the stream plays under its public name"):
    load = Swarm(swarm, f"-dangerous -resolve {address} -clients 3 -ramp-rate 10 {public}")
    load.metrics.wait_until("hlsswarm_clients_playing == 3")
    load.metrics.wait_until("hlsswarm_playing_seconds_total > 9")
    report = load.finish()
    assert report["viewers"]["have_played"] == 3, report["viewers"]
    assert report["wire"]["errors"] == [], report["wire"]["errors"]
    assert report["configuration"]["tls_verified"] is False, report["configuration"]

with subtest("The origin was asked under that name, for playlists and segments alike"):
    served = requests_served(origin)
    assert {entry["host"] for entry in served} == {public.split("/")[2]}, served[:3]
    assert {entry["uri"].rsplit(".", 1)[1] for entry in served} == {"m3u8", "ts"}, served[:3]
