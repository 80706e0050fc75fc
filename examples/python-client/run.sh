#!/usr/bin/env bash
# Runs app.py against `weir proxy` in front of a fake model server, scripts/clients/upstream.py.
# Ends what it started.
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
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements.txt
go build -C ../.. -o "$work/weir" ./cmd/weir
python3 ../../scripts/clients/upstream.py >"$work/port" &
pids+=($!)
until [[ -s "$work/port" ]]; do sleep 0.1; done
"$work/weir" proxy --upstream "http://127.0.0.1:$(<"$work/port")" --listen 127.0.0.1:0 --admin - --replacement \
	--policy ../../engine/testdata/base.yaml 2>"$work/log" &
pids+=($!)
until grep -q 'msg=proxy' "$work/log"; do
	kill -0 "${pids[1]}" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
	sleep 0.1
done
"$work/venv/bin/python" app.py "http://$(sed -n 's/.*msg=proxy.* address=\([^ ]*\).*/\1/p' "$work/log")/v1"
