"""Reads `scenarios.toml`: what each scenario runs on. `default.nix` reads the same file for virtual machines."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent

# A value of a flag, as TOML has it. A list is a flag that is given several times.
Setting = str | int | bool | list[str]


@dataclass(frozen=True)
class Host:
    """A host of a scenario. `role` is a key of `[roles]`; memory and cores are those of the virtual machine."""

    name: str
    role: str
    settings: dict[str, Setting] = field(default_factory=dict)


@dataclass(frozen=True)
class Scenario:
    """`timeout_s` bounds the whole scenario, start of its hosts included. `hosts` are in the order of their names."""

    name: str
    vm_only: str | None
    timeout_s: int
    hosts: tuple[Host, ...]
    script: Path


class TableError(Exception):
    """Something in the table is wrong; the text says what."""


def read(folder: Path = TESTS) -> dict[str, Scenario]:
    """All scenarios of the table in `folder`, by name, in its order.

    Raises `TableError` when the table names a key, role or script that does not exist, or leaves a script out.
    """
    with (folder / "scenarios.toml").open("rb") as file:
        table = tomllib.load(file)
    roles: dict[str, dict[str, Any]] = table["roles"]
    scenarios = {
        name: _scenario(name, entry, roles, table["timeout_s"], folder) for name, entry in table["scenarios"].items()
    }
    scripts = {path.stem for path in (folder / "scenarios").glob("*.py")}
    if forgotten := sorted(scripts - scenarios.keys()):
        raise TableError(f"scenarios.toml has no entry for the script of {', '.join(forgotten)}")
    return scenarios


def _scenario(
    name: str, entry: dict[str, Any], roles: dict[str, dict[str, Any]], timeout_s: int, folder: Path
) -> Scenario:
    if unknown := entry.keys() - {"hosts", "vm_only", "timeout_s"}:
        raise TableError(f"scenario {name}: unknown key {sorted(unknown)[0]}")
    script = folder / "scenarios" / f"{name}.py"
    if not script.exists():
        raise TableError(f"scenario {name}: there is no {script.relative_to(folder)}")
    hosts = tuple(_host(name, host, entry["hosts"][host], roles) for host in sorted(entry["hosts"]))
    return Scenario(name, entry.get("vm_only"), entry.get("timeout_s", timeout_s), hosts, script)


def _host(scenario: str, name: str, entry: dict[str, Any], roles: dict[str, dict[str, Any]]) -> Host:
    if unknown := entry.keys() - {"role", "settings"}:
        raise TableError(f"scenario {scenario}, host {name}: unknown key {sorted(unknown)[0]}")
    role = entry.get("role", name)
    if role not in roles:
        raise TableError(f"scenario {scenario}, host {name}: there is no role {role}")
    return Host(name, role, {**roles[role].get("settings", {}), **entry.get("settings", {})})
