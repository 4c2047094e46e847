"""The Prometheus of a scenario: its configuration, as `common/observer.nix` makes it of NixOS options."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from .table import TESTS, Scenario, Setting

# As on NixOS, where nothing says another.
PORT: int = json.loads((TESTS.parent / "nix" / "ports.json").read_text())["prometheus"]
RULES = TESTS.parent / "observability" / "rules"


def configuration(scenario: Scenario, settings: dict[str, Setting]) -> str:
    """Prometheus reads YAML, and JSON is YAML. Rules are beside the file, in `rules`."""
    scraped = [
        {"job_name": f"hls-{'test-' if host.role == 'origin' else ''}{host.role}", "target": target}
        for host in scenario.hosts
        if (target := _target(host.name, host.role, host.settings)) is not None
    ]
    return json.dumps(
        {
            "global": {name: settings["interval"] for name in ("scrape_interval", "evaluation_interval")},
            "rule_files": ["rules/*.yml"],
            "scrape_configs": [
                {"job_name": job["job_name"], "static_configs": [{"targets": [job["target"]]}]} for job in scraped
            ],
        }
    )


def _target(name: str, role: str, settings: dict[str, Setting]) -> str | None:
    match role:
        case "origin":
            return f"{name}:{settings['port']}"
        case "swarm":
            return f"{name}:{str(settings['metrics']).rpartition(':')[2]}"
        case _:
            return None


def command(scenario: Scenario, settings: dict[str, Setting], tmp: Path) -> list[str]:
    """Writes the configuration into the host's /tmp, which is `tmp` here, and returns the command that reads it."""
    folder = tmp / "prometheus"
    shutil.copytree(RULES, folder / "rules")
    (folder / "prometheus.yml").write_text(configuration(scenario, settings))
    folder.chmod(0o777)
    return [
        "prometheus",
        "--config.file=/tmp/prometheus/prometheus.yml",
        "--storage.tsdb.path=/tmp/prometheus/data",
        f"--web.listen-address=:{PORT}",
    ]
