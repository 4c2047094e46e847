"""Each mode of `-variant` fetches exactly the variants that it says, as the origin saw it."""

start_all()
wait_until_live(origin)

# In the order of the master playlist, with the bandwidth of each.
master = origin.succeed("curl --silent --fail $STREAM")
bandwidths = [int(number) for number in re.findall(r"[:,]BANDWIDTH=(\d+)", master)]
names = re.findall(r"^([^#/]+)/index.m3u8$", master, re.MULTILINE)
assert len(names) == len(bandwidths) >= 3, master
by_bandwidth = dict(zip(bandwidths, names))
expected = {
    "all": set(names),
    "highest": {by_bandwidth[max(bandwidths)]},
    "lowest": {by_bandwidth[min(bandwidths)]},
    "first": {names[0]},
}

assert len({variant for variants in expected.values() if len(variants) == 1 for variant in variants}) == 3, expected

loads = {
    mode: Swarm(swarm, f"-clients 2 -variant {mode} -header 'X-Test: {mode}' $STREAM", 9101 + number)
    for number, mode in enumerate(expected)
}
for mode, load in loads.items():
    with subtest(f"-variant {mode} fetches {', '.join(sorted(expected[mode]))} and nothing else"):
        load.metrics.wait_until("hlsswarm_clients_playing == 2")
        load.metrics.wait_until("hlsswarm_playing_seconds_total > 6")
        report = load.finish()
        assert report["viewers"]["have_played"] == 2, report["viewers"]
        served = [entry for entry in requests_served(origin) if entry["x_test"] == mode]
        media = [entry["uri"] for entry in served if entry["uri"] != "/stream.m3u8"]
        assert {uri.split("/")[1] for uri in media} == expected[mode], sorted(set(media))
        # Not only their playlists.
        assert {uri.split("/")[1] for uri in media if uri.endswith(".ts")} == expected[mode], sorted(set(media))
