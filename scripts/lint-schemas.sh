#!/usr/bin/env bash
# Compares the workflows of .github and the compose file with the schemas of their formats. The checker, which carries
# them, is kept in target/lint.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=target/lint
if ! [ -x $tools/bin/check-jsonschema ]; then
    scripts/require.sh python3
    python3 -c 'import ensurepip' 2>/dev/null || scripts/require.sh python3-venv
    python3 -m venv $tools
    $tools/bin/pip install --quiet --disable-pip-version-check check-jsonschema==0.39.0
fi
$tools/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
$tools/bin/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yml
