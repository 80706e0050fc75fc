#!/usr/bin/env bash
# Runs llama.cpp's server behind `weir proxy`, with a model made by hand, and looks at
# both with the official Python client. Ends what it started.
#
#   examples/llama-cpp/run.sh          llama.cpp from PyPI (xllamacpp)
#   LLAMA_SERVER=/path/to/llama-server examples/llama-cpp/run.sh
#   RECORD=FOLDER …                    also write what the server answers to FOLDER
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
pids=()
finish() {
	local pid
	for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
	for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
	rm -rf "$work"
}
trap finish EXIT

python3 -m venv "$work/venv"
python=$work/venv/bin/python
packages=(-r ../tiny-model/requirements.txt)
[[ -n ${LLAMA_SERVER:-} ]] || packages+=(xllamacpp==2026.10.11549)
"$python" -m pip install --quiet --disable-pip-version-check "${packages[@]}"
"$python" ../tiny-model/make.py "$work"
go build -C ../.. -o "$work/weir" ./cmd/weir

port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
if [[ -n ${LLAMA_SERVER:-} ]]; then
	"$LLAMA_SERVER" -m "$work/tiny.gguf" --host 127.0.0.1 --port "$port" --alias tiny -c 32768 -np 2 -t 1 --metrics --slots >"$work/server.log" 2>&1 &
else
	"$python" server.py "$work/tiny.gguf" "$port" >"$work/server.log" 2>&1 &
fi
pids+=($!)
until python3 -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$port/health')" 2>/dev/null && kill -0 "${pids[0]}" 2>/dev/null; do
	kill -0 "${pids[0]}" 2>/dev/null || { cat "$work/server.log" >&2; exit 1; }
	sleep 0.2
done
"$work/weir" proxy --upstream "http://127.0.0.1:$port" --listen 127.0.0.1:0 --admin - --policy ../tiny-model/policy.yaml 2>"$work/weir.log" &
pids+=($!)
until grep -q 'msg=proxy' "$work/weir.log"; do
	kill -0 "${pids[1]}" 2>/dev/null || { cat "$work/weir.log" >&2; exit 1; }
	sleep 0.1
done
proxy="http://$(sed -n 's/.*msg=proxy.* address=\([^ ]*\).*/\1/p' "$work/weir.log")"

"$python" ../tiny-model/client.py "$work" "$proxy" "http://127.0.0.1:$port"
echo "what llama.cpp's log says of the halted streams"
grep -A 1 'cancel task' "$work/server.log" | sed 's/^/  /'
[[ -z ${RECORD:-} ]] || "$python" ../tiny-model/record.py "$work" "http://127.0.0.1:$port" llamacpp-recorded "$RECORD"
