"""Checks the scripts as the NixOS test driver does before it boots anything: types and undefined names.

Each is checked as the text that runs: the driver's names, the helpers, the scenario. mypy and pyflakes do the work.

    python3 -m local.lint
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import table

# What mypy remembers is not to lie in the source tree.
CACHE = ["--cache-dir", str(table.TESTS.parent / "target" / "mypy")]
DRIVER = ["Machine", "machines", "retry", "start_all", "subtest"]


def rendered(scenario: table.Scenario, folder: Path = table.TESTS) -> str:
    """The script as `default.nix` hands it to the driver."""
    return (folder / "common" / "helpers.py").read_text() + scenario.script.read_text()


def with_types(scenario: table.Scenario) -> str:
    """The script behind the names that the driver gives it."""
    hosts = "".join(f"{host.name}: Machine\n" for host in scenario.hosts)
    return f"from driver import {', '.join(DRIVER)}\n\n{hosts}\n{rendered(scenario)}"


def main() -> int:
    """Returns 1 when something was found; the tools say what and where."""
    scenarios = table.read().values()
    failed = _mypy("local") != 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for scenario in scenarios:
            (folder / f"{scenario.name}_typed.py").write_text(with_types(scenario))
            plain = folder / f"{scenario.name}.py"
            plain.write_text(rendered(scenario))
            known = ",".join([*DRIVER, *(host.name for host in scenario.hosts)])
            environment = {**os.environ, "PYFLAKES_BUILTINS": known}
            failed |= _pyflakes(str(plain), environment) != 0
        failed |= _mypy(*(str(path) for path in sorted(folder.glob("*_typed.py")))) != 0
    failed |= _pyflakes("local", dict(os.environ)) != 0
    return 1 if failed else 0


def _mypy(*what: str) -> int:
    environment = {**os.environ, "MYPYPATH": str(table.TESTS / "stubs")}
    return _run(["mypy", "--strict", "--no-error-summary", *CACHE, *what], environment)


def _pyflakes(what: str, environment: dict[str, str]) -> int:
    # Debian gives the command a name of its own.
    return _run([shutil.which("pyflakes3") or "pyflakes", what], environment)


def _run(argv: list[str], environment: dict[str, str]) -> int:
    return subprocess.run(argv, cwd=table.TESTS, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
