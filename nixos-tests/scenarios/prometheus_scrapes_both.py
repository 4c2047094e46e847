"""A real Prometheus scrapes both programs, loads the project's rules, and raises an alarm when the stream freezes."""

start_all()
wait_until_live(origin)
observer.wait_for_unit("prometheus.service")
load = Swarm(swarm, "-clients 4 -ramp-rate 10 $STREAM")
load.metrics.wait_until("hlsswarm_clients_playing == 4")


def ask(path: str) -> typing.Any:
    """An answer of Prometheus's API; nothing while it does not answer."""
    status, text = observer.execute(f"curl --silent --fail --max-time 10 --get $OBSERVER_URL/api/v1/{path}")
    return json.loads(text)["data"] if status == 0 else None


def queried(expression: str) -> float | None:
    """Value of the first series that an expression gives."""
    answer = ask(f"query --data-urlencode {shlex.quote('query=' + expression)}")
    return float(answer["result"][0]["value"][1]) if answer and answer["result"] else None


def firing() -> set[str]:
    """Names of the alerts that fire."""
    answer = ask("alerts")
    return {alert["labels"]["alertname"] for alert in answer["alerts"] if alert["state"] == "firing"} if answer else set()


with subtest("Both are scraped"):
    wait_until("the swarm is up", lambda: queried('up{job="hls-swarm"}') == 1)
    wait_until("the origin is up", lambda: queried('up{job="hls-test-origin"}') == 1)

with subtest("What Prometheus knows is what the programs say"):
    wait_until("it knows the viewers", lambda: queried("hlsswarm_clients_active") == 4)
    wait_until("the origin served them", lambda: (queried('sum(hlsorigin_requests_total{kind="segment"})') or 0) > 4)
    wait_until("and how they play", lambda: (queried("rate(hlsswarm_playing_seconds_total[10s])") or 0) > 2)

with subtest("The rules are loaded, and nothing is wrong"):
    rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
    assert {"HlsStreamStale", "HlsViewersSeeNothing"} <= {rule["name"] for rule in rules}, rules
    assert {rule["health"] for rule in rules} == {"ok"}, rules
    # Others may fire where the machine that the hosts share has other work.
    assert not {"HlsStreamStale", "HlsViewersSeeNothing"} & firing(), firing()

with subtest("A frozen stream raises the alarm"):
    origin.succeed("test-origin fault add freeze")
    wait_until("HlsStreamStale fires", lambda: "HlsStreamStale" in firing())
    wait_until("HlsViewersSeeNothing fires", lambda: "HlsViewersSeeNothing" in firing())

with subtest("It ends with the freeze"):
    origin.succeed("test-origin fault clear")
    # Others look back for a minute.
    wait_until("neither fires", lambda: not {"HlsStreamStale", "HlsViewersSeeNothing"} & firing())

load.finish()
