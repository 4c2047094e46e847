"""An origin that holds six viewers: the search finds six, and names the 503 that the seventh brings."""

CAPACITY = 6
SEARCH = "-metrics off -find-limit -clients 12 -ramp-rate 10 -level-hold 4s -threshold 'error_ratio<1%' $STREAM"
# A host without a CPU of its own is a load box at its end now and then, and the search says so: then once more, until
# the machine has been busy for as long as other tests of a verdict put up with.
BUSY_S = 300
# Twice what a search takes: seven levels of up to ten seconds.
SEARCH_S = 150


def search() -> typing.Any:
    """The report of a search that ended at the origin, and not at the load box."""
    reports: list[typing.Any] = []

    def has_ended_at_the_origin() -> bool:
        report = Swarm(swarm, SEARCH).succeeded(SEARCH_S)
        swarm.log(report["limit"]["sentence"])
        reports.append(report)
        return bool(report["limit"]["answer"] != "load_box")

    wait_until("a search ends at the origin, and not at the load box", has_ended_at_the_origin, BUSY_S)
    return reports[-1]


start_all()
wait_until_live(origin)
report = search()
limit = report["limit"]

with subtest("The limit is what the origin holds"):
    assert (limit["answer"], limit["held"], limit["failed"]) == ("found", CAPACITY, CAPACITY + 1), limit["sentence"]

with subtest("The first sign is what broke first"):
    assert (limit["signs"][0]["kind"], limit["signs"][0]["class"]) == ("errors", "503"), limit["signs"]
    assert f"at {CAPACITY + 1} the origin answers 503 (" in limit["sentence"], limit["sentence"]

# Of this search alone; the report ends where its end begins.
began = float(swarm.succeed(f"date +%s.%N --date {report['started_at']}"))
segments = [line for line in requests_served(origin) if line["uri"].endswith(".ts") and line["time"] > began]
refused = [line for line in segments if line["status"] == 503]

with subtest("The origin served each segment so many times, and refused what was beyond"):
    served: dict[str, int] = {}
    for line in segments:
        if line["status"] != 503:
            served[line["uri"]] = served.get(line["uri"], 0) + 1
    assert max(served.values()) == CAPACITY, served
    assert {line["uri"] for line in refused} <= {uri for uri, times in served.items() if times == CAPACITY}

with subtest("Both sides counted the same refusals"):
    counted = rows(report["wire"]["errors"], "class")["503"]["count"]
    # What is under way when a level ends is taken from its viewer, and answered all the same.
    assert len(refused) - len(limit["levels"]) <= counted <= len(refused), (counted, len(refused))
