"""Two load boxes play from one origin: their merged report has what both have measured, and the origin served just that."""

VIEWERS = {"box1": 4, "box2": 6}
ALL = sum(VIEWERS.values())

start_all()
wait_until_live(origin)
# Each with a seed of its own, so that their jitter differs.
loads = {
    box.name: Swarm(box, f"-clients {VIEWERS[box.name]} -seed {seed} -header 'X-Test: {box.name}' $STREAM")
    for seed, box in enumerate((box1, box2), start=1)
}
for name, load in loads.items():
    load.metrics.wait_until(f"hlsswarm_clients_playing == {VIEWERS[name]}")
    load.metrics.wait_until(f"hlsswarm_playing_seconds_total > {5 * VIEWERS[name]}")
for load in loads.values():
    load.rest()
reports = {name: load.finish() for name, load in loads.items()}


def served(box: str = "") -> Counts:
    """Those that the origin's log has of one box, or of both."""
    return counts_of([line for line in requests_served(origin) if box in ("", line["x_test"])])


with subtest("The report of each box is what the origin served to that box"):
    for name, report in reports.items():
        assert counts_in(report).keys() == {"playlist", "segment"}, report["wire"]["kinds"]
        require_same(f"in the report of {name}", lambda: counts_in(report), "in the origin's log", lambda: served(name))

with subtest("Both reports come together on one box, and one is made of them"):
    for name, report in reports.items():
        put(box1, f"{name}.json", json.dumps(report))
    box1.succeed("swarm report merge box1.json box2.json -o all.json -o all.html")
    merged = json.loads(box1.succeed("cat all.json"))
    box1.succeed("grep -q box2 all.html")

with subtest("It tells of all viewers, and which box had how many"):
    assert {box["name"]: box["peak_active"] for box in merged["boxes"]} == VIEWERS, merged["boxes"]
    assert merged["configuration"]["clients"] == merged["viewers"]["have_played"] == ALL, merged["viewers"]
    assert merged["processes"]["started"] == merged["processes"]["stopped"] == ALL, merged["processes"]

with subtest("Its totals are those of the origin's log"):
    require_same("merged", lambda: counts_in(merged), "in the origin's log", served)
    assert merged["wire"]["errors"] == [], merged["wire"]["errors"]

with subtest("They are those of the origin's metrics, to which only preflight adds"):
    lines = [json.loads(line) for line in origin.succeed("cat $ACCESS_LOG").splitlines()]
    others = counts_of([line for line in lines if line["uri"].endswith((".m3u8", ".ts")) and line["range"] == ""])
    for kind, (requests, size) in counts_in(merged).items():
        more, larger = others.get(kind, (0, 0))
        figures = Metrics(box1, "$ORIGIN_URL")
        figures.wait_until(f'hlsorigin_requests_total{{kind="{kind}"}} == {requests + more}')
        figures.require(f'hlsorigin_response_bytes_total{{kind="{kind}"}} == {size + larger}')
