#!/usr/bin/env bash
# Fetches ONNX Runtime's shared library, which weir loads to run models, into
# .tools/onnxruntime. Does nothing when it is there already. Nothing else of
# either package is kept or run.
#
#   scripts/onnxruntime.sh        with pip, else with npm
#   scripts/onnxruntime.sh npm    with npm alone (or pip)
set -euo pipefail

# internal/onnx needs 1.24 or newer (its minimum). PyPI and npm both have this
# version, and pip's package is a fifth of npm's: pip first.
version=1.30.0

# Each source builds a library of its own, so a platform has two sums.
platform="$(uname -s) $(uname -m)"
case "$platform" in
"Linux x86_64")
	library=libonnxruntime.so
	wheel=manylinux_2_28_x86_64 in_wheel=onnxruntime/capi/libonnxruntime.so.$version
	pip_sum=c902c70b3003c0e99fada202f37478c515ae9bba7944c2b2abd0017bae0c82ed
	in_npm=package/bin/napi-v6/linux/x64/libonnxruntime.so.1
	npm_sum=ffb75a925ba05e47b235bb66e3e3911714a80b328a9c9425539feb204aa32a23
	;;
"Linux aarch64" | "Linux arm64")
	library=libonnxruntime.so
	wheel=manylinux_2_28_aarch64 in_wheel=onnxruntime/capi/libonnxruntime.so.$version
	pip_sum=8a218e1e446880131115c368ec7005969a5022af9a15a26173de648fef0b7789
	in_npm=package/bin/napi-v6/linux/arm64/libonnxruntime.so.1
	npm_sum=1f549d46250b005580b597f4164984aaf75b3bcb9f3aeb07c7f8a8fe60b23c76
	;;
"Darwin arm64")
	library=libonnxruntime.dylib
	wheel=macosx_14_0_arm64 in_wheel=onnxruntime/capi/libonnxruntime.$version.dylib
	pip_sum=b46713ea6a25a5227541c21001f6422c1ccdeaecc369aa026a61b752520325c3
	in_npm=package/bin/napi-v6/darwin/arm64/libonnxruntime.$version.dylib
	npm_sum=685d2be5dba1309c89d3a5324b7fd06a5c42f1a61bfea32d14c4cc28d072121d
	;;
*)
	echo "onnxruntime.sh: no library for $platform: install ONNX Runtime 1.24 or newer yourself and set WEIR_ONNXRUNTIME to its shared library" >&2
	exit 1
	;;
esac

clients=(pip npm)
case "${1-}" in
'') ;;
pip | npm) clients=("$1") ;;
*) echo 'onnxruntime.sh: want no argument, pip or npm' >&2 && exit 2 ;;
esac

sum() {
	if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/.tools/onnxruntime
if [[ -f $home/$library ]]; then
	found=$(sum "$home/$library")
	if [[ $found == "$pip_sum" || $found == "$npm_sum" ]]; then
		echo "onnxruntime.sh: ONNX Runtime $version is there"
		exit
	fi
fi

# Beside its destination, so that the last step is a rename: whoever looks finds
# a whole library or none.
mkdir -p "$home"
temporary=$(mktemp -d "$home/fetch.XXXXXX")
trap 'rm -rf "$temporary"' EXIT

from_pip() {
	local pip=()
	if python3 -m pip --version; then pip=(python3 -m pip)
	elif pip3 --version; then pip=(pip3)
	else return 1; fi
	# The wheels of all versions of Python hold the same library; this one need not be the machine's.
	"${pip[@]}" download "onnxruntime==$version" --no-deps --only-binary=:all: --platform "$wheel" \
		--python-version 3.12 --implementation cp --disable-pip-version-check --dest "$temporary/pip" || return
	if command -v unzip; then unzip -q "$temporary"/pip/onnxruntime-*.whl "$in_wheel" -d "$temporary/pip"
	else python3 -m zipfile -e "$temporary"/pip/onnxruntime-*.whl "$temporary/pip"; fi || return
	mv "$temporary/pip/$in_wheel" "$temporary/$library"
}

from_npm() {
	mkdir -p "$temporary/npm" && cd "$temporary/npm" || return
	npm pack "onnxruntime-node@$version" --ignore-scripts || return
	tar -xzf onnxruntime-node-*.tgz "$in_npm" || return
	mv "$in_npm" "$temporary/$library"
}

for client in "${clients[@]}"; do
	if (from_"$client") >"$temporary/$client.log" 2>&1; then
		want=${client}_sum
		found=$(sum "$temporary/$library")
		if [[ $found != "${!want}" ]]; then
			echo "onnxruntime.sh: $client: the library of ONNX Runtime $version has SHA-256 $found, want ${!want}: not installed" >&2
			exit 1
		fi
		chmod 644 "$temporary/$library"
		mv -f "$temporary/$library" "$home/$library"
		echo "onnxruntime.sh: ONNX Runtime $version installed with $client"
		exit
	fi
done

{
	echo "onnxruntime.sh: neither client could fetch ONNX Runtime $version:"
	for client in "${clients[@]}"; do
		echo "  $client: $(grep -v '^[[:space:]]*$' "$temporary/$client.log" | tail -n 1)"
	done
	echo "Install pip (python3 -m pip) or npm and let it reach its registry, or set WEIR_ONNXRUNTIME to the shared library of ONNX Runtime 1.24 or newer."
} >&2
exit 1
