"""Headers that a user asks for are on every request, playlists and segments, and on none that nobody asked for."""

start_all()
wait_until_live(origin)

plain = Swarm(swarm, "-metrics off -clients 2 -duration 5s -header 'X-Test: plain' $STREAM")
bypass = Swarm(swarm, "-metrics off -clients 2 -duration 5s -header 'X-Test: bypass' -no-cache $STREAM")
named = Swarm(swarm, "-metrics off -clients 1 -duration 5s -header 'X-Test: named' -header 'User-Agent: lab/1' $STREAM")
for load in (plain, bypass, named):
    assert load.succeeded()["wire"]["errors"] == []


def seen(test: str, user_agent: str = "ffmpeg-hls-swarm/") -> list[dict[str, typing.Any]]:
    """What the origin saw of one of these runs; playlists and segments were among it."""
    entries = [entry for entry in requests_served(origin, user_agent) if entry["x_test"] == test]
    assert {entry["uri"].rsplit(".", 1)[1] for entry in entries} == {"m3u8", "ts"}, entries[:3]
    return entries


with subtest("Without flags caches may answer"):
    assert {(entry["cache_control"], entry["pragma"]) for entry in seen("plain")} == {("", "")}

with subtest("-no-cache is on every request"):
    assert {(entry["cache_control"], entry["pragma"]) for entry in seen("bypass")} == {("no-cache", "no-cache")}

with subtest("A user agent of one's own replaces ours"):
    assert {entry["user_agent"] for entry in seen("named", "lab/1")} == {"lab/1"}
    assert [entry for entry in requests_served(origin) if entry["x_test"] == "named"] == []

with subtest("Nothing of the wire's own reaches the origin"):
    headers = origin.succeed("cat $ACCESS_LOG")
    assert "swarm-ticket" not in headers.lower()
