#!/usr/bin/env bash
# Builds Weir's container image with the first builder that works: docker, podman or buildah.
#
#   scripts/image.sh TAG [ARGUMENT…]      such as --build-arg BASE=mirror.example/distroless/cc-debian12:nonroot
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tag=${1:?image.sh: want the tag of the image, such as weir:latest}
shift
version=$(git describe --tags --always --dirty 2>/dev/null || echo unknown)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)

missing=()
builder=()
if ! command -v docker >/dev/null; then missing+=('docker: not installed')
elif ! docker info >/dev/null 2>&1; then missing+=('docker: its daemon does not answer (docker info says why)')
else builder=(docker build); fi
if [[ ${#builder[@]} -eq 0 ]]; then
	if ! command -v podman >/dev/null; then missing+=('podman: not installed')
	elif ! podman info >/dev/null 2>&1; then missing+=('podman: does not work here (podman info says why)')
	else builder=(podman build --format docker); fi # Docker's format keeps HEALTHCHECK
fi
if [[ ${#builder[@]} -eq 0 ]]; then
	if ! command -v buildah >/dev/null; then missing+=('buildah: not installed')
	elif ! buildah info >/dev/null 2>&1; then missing+=('buildah: does not work here (buildah info says why)')
	else builder=(buildah build --format docker); fi
fi
if [[ ${#builder[@]} -eq 0 ]]; then
	{
		echo 'image.sh: no container builder works here:'
		printf '  %s\n' "${missing[@]}"
		echo 'Install one of them, or start its daemon.'
	} >&2
	exit 1
fi
echo "image.sh: ${builder[*]}: $tag, version $version"
"${builder[@]}" --tag "$tag" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" "$@" .
