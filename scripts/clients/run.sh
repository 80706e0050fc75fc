#!/usr/bin/env bash
# Runs the official clients of OpenAI (PyPI, npm) and Anthropic (both) against
# `weir proxy` and a fake model server. Installs them into a folder of its own.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
pids=()
finish() {
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	rm -rf "$work"
}
trap finish EXIT

python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check openai==3.54.0 anthropic==2.12.0
cp clients.test.mjs "$work"
(cd "$work" && npm install --silent --no-audit --no-fund openai@6.49.0 @anthropic-ai/sdk@1.14.0)
go build -C ../.. -o "$work/weir" ./cmd/weir

python3 upstream.py >"$work/port" &
pids+=($!)
until [[ -s "$work/port" ]]; do sleep 0.1; done
export UPSTREAM="http://127.0.0.1:$(<"$work/port")"
"$work/weir" proxy --upstream "$UPSTREAM" --listen 127.0.0.1:0 --admin - --policy ../../engine/testdata/base.yaml 2>"$work/log" &
pids+=($!)
until grep -q 'msg=proxy' "$work/log"; do
	kill -0 "${pids[1]}" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
	sleep 0.1
done
export PROXY="http://$(sed -n 's/.*msg=proxy.* address=\([^ ]*\).*/\1/p' "$work/log")"

"$work/venv/bin/python" clients_test.py
(cd "$work" && node --test clients.test.mjs)
