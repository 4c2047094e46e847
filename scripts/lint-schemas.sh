#!/usr/bin/env bash
# Compares the workflows of .github and the compose file with the schemas of their formats. The checker, which carries
# them, is kept in target/lint.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=target/lint
# By way of Python: the scripts in bin/ name the folder they were made in, and stop when it is moved.
check=("$tools/bin/python" -m check_jsonschema)
if ! "${check[@]}" --version >/dev/null 2>&1; then
    scripts/require.sh python3
    python3 -c 'import ensurepip' 2>/dev/null || scripts/require.sh python3-venv
    python3 -m venv --clear $tools
    $tools/bin/python -m pip install --quiet --disable-pip-version-check check-jsonschema==0.39.0
fi
"${check[@]}" --builtin-schema vendor.github-workflows .github/workflows/*.yml
"${check[@]}" --builtin-schema vendor.compose-spec deploy/compose.yml
