"""What the origin serves is a live stream for another host: playlists that grow as RFC 8216 says, and their segments."""


class Playlist:
    """A media playlist at one moment."""

    def __init__(self, url: str) -> None:
        self.text = swarm.succeed(f"curl --silent --fail --max-time 10 {url}")
        self.base = url.rsplit("/", 1)[0]
        self.target_duration = self.number("TARGETDURATION")
        self.first = self.number("MEDIA-SEQUENCE")
        self.durations = [float(duration) for duration in re.findall(r"^#EXTINF:([\d.]+)", self.text, re.MULTILINE)]
        self.segments = re.findall(r"^([^#\s]+)$", self.text, re.MULTILINE)

    def number(self, tag: str) -> int:
        """The value of a tag that stands there once."""
        (value,) = re.findall(rf"^#EXT-X-{tag}:(\d+)$", self.text, re.MULTILINE)
        return int(value)


class Watch:
    """A live playlist over time: each look compares it with the one before."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.before = self.now = Playlist(url)

    def look(self) -> None:
        """Fails where a player would go wrong."""
        earlier, now = self.now, Playlist(self.url)
        self.now = now
        assert now.target_duration == self.before.target_duration, now.text
        assert len(now.segments) == len(now.durations) == len(self.before.segments), now.text
        # A player rounds each duration, and none may be longer than the target.
        assert all(round(duration) <= now.target_duration for duration in now.durations), now.text
        assert "#EXT-X-ENDLIST" not in now.text and "#EXT-X-DISCONTINUITY" not in now.text, now.text
        # What is in both lists has the same number in both.
        step = now.first - earlier.first
        assert 0 <= step < len(now.segments), f"from {earlier.text} to {now.text}"
        assert earlier.segments[step:] == now.segments[: len(now.segments) - step], f"from {earlier.text} to {now.text}"

    def has_moved_on(self) -> bool:
        """By three segments."""
        return self.now.first >= self.before.first + 3

    def fetch(self) -> None:
        """Everything that it names, and what left it last: players that have just read the list come for that."""
        gone = [segment for segment in self.before.segments if segment not in self.now.segments]
        urls = [f"{self.now.base}/{segment}" for segment in [gone[-1], *self.now.segments]]
        for url in urls:
            size = swarm.succeed(f"curl --silent --fail --output /dev/null --write-out '%{{size_download}}' {url}")
            assert int(size) > 1000, f"{url} has {size} bytes"


def conform(urls: list[str]) -> None:
    """Looks at all of them until each has moved on."""
    watches = [Watch(url) for url in urls]

    def all_have_moved_on() -> bool:
        for watch in watches:
            watch.look()
        return all(watch.has_moved_on() for watch in watches)

    wait_until("every playlist moves on by three segments", all_have_moved_on)
    for watch in watches:
        watch.fetch()


start_all()
for host in (origin, cmaf):
    host.wait_for_unit("hls-test-origin.service")
    base = swarm.succeed(f"echo ${host.name.upper()}_URL").strip()
    wait_until_live(host, base)

    with subtest(f"{host.name}: every media playlist conforms"):
        master = swarm.succeed(f"curl --silent --fail {base}/stream.m3u8")
        playlists = re.findall(r"^[^#\s]+$", master, re.MULTILINE) + re.findall(r'URI="([^"]+)"', master)
        assert len(playlists) >= 3, master
        conform([f"{base}/{playlist}" for playlist in playlists])

    with subtest(f"{host.name}: FFmpeg plays it"):
        said = swarm.succeed(f"swarm -check -metrics off {base}/stream.m3u8 2>&1")
        assert "plays" in said or "played" in said, said

with subtest("A browser may play it from another site, and nothing else is served"):
    headers = swarm.succeed("curl --silent --fail --head $ORIGIN_URL/stream.m3u8").lower()
    assert "access-control-allow-origin: *" in headers, headers
    assert "cache-control: no-cache" in headers, headers
    for path in ("nginx.conf", "..%2fnginx.conf", ".hidden"):
        status = swarm.succeed(f"curl --silent --path-as-is --output /dev/null --write-out '%{{http_code}}' $ORIGIN_URL/{path}")
        assert status in ("403", "404", "400"), f"{path}: {status}"
    status = swarm.succeed("curl --silent --request POST --output /dev/null --write-out '%{http_code}' $ORIGIN_URL/stream.m3u8")
    assert status == "405", status

with subtest("The page for people, the metrics for machines"):
    page = swarm.succeed("curl --silent --fail $ORIGIN_URL/")
    assert "<video" in page and "state.json" in page, page
    state = json.loads(swarm.succeed("curl --silent --fail $ORIGIN_URL/state.json"))
    assert state["encoder_running"] and len(state["streams"]) >= 3, state
    metrics = Metrics(swarm, "$ORIGIN_URL")
    metrics.require("hlsorigin_encoder_running == 1", "hlsorigin_playlist_age_seconds < 10")
    # What was refused above was counted, too.
    metrics.wait_until('hlsorigin_requests_total{kind="playlist",status="200"} > 6')
    metrics.wait_until('hlsorigin_requests_total{status="405"} == 1')
