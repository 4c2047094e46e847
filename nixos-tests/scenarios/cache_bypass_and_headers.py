"""Headers that a user asks for are on every request, playlists and segments, and on none that nobody asked for."""

start_all()
wait_until_live(origin)

plain = Swarm(swarm, "-clients 2 -header 'X-Test: plain' $STREAM", 9101)
bypass = Swarm(swarm, "-clients 2 -header 'X-Test: bypass' -no-cache $STREAM", 9102)
named = Swarm(swarm, "-clients 2 -header 'X-Test: named' -header 'User-Agent: lab/1' $STREAM", 9103)
for load in (plain, bypass, named):
    load.metrics.wait_until("hlsswarm_clients_playing == 2")
    load.metrics.wait_until("hlsswarm_playing_seconds_total > 6")
    report = load.finish()
    assert report["wire"]["errors"] == [], report["wire"]["errors"]


def seen(test: str, user_agent: str = "ffmpeg-hls-swarm/") -> list[dict[str, typing.Any]]:
    """What the origin saw of one of these runs; playlists and segments were among it."""
    entries = [entry for entry in requests_served(origin, user_agent) if entry["x_test"] == test]
    assert {entry["uri"].rsplit(".", 1)[1] for entry in entries} == {"m3u8", "ts"}, entries[:3]
    return entries


def caching(test: str) -> set[tuple[str, str]]:
    """Both headers that ask caches to step aside, as they were on the requests of a run."""
    return {(entry["cache_control"], entry["pragma"]) for entry in seen(test)}


with subtest("Without flags caches may answer"):
    assert caching("plain") == {("", "")}, caching("plain")

with subtest("-no-cache is on every request"):
    assert caching("bypass") == {("no-cache", "no-cache")}, caching("bypass")

with subtest("A user agent of one's own replaces ours"):
    assert seen("named", "lab/1") != []
    ours = [entry for entry in requests_served(origin) if entry["x_test"] == "named"]
    assert ours == [], ours[:3]
