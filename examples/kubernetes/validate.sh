#!/usr/bin/env bash
# Checks the manifests against the schemas of Kubernetes, without a cluster: every
# version that has sidecar containers. Needs Python with pip, and kubectl, kustomize or Go.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if command -v kubectl >/dev/null; then kubectl kustomize . >"$work/all.yaml"
elif command -v kustomize >/dev/null; then kustomize build . >"$work/all.yaml"
elif command -v go >/dev/null; then GOFLAGS= go run sigs.k8s.io/kustomize/kustomize/v5@v5.7.1 build . >"$work/all.yaml"
else echo 'validate.sh: install kubectl, kustomize or Go' >&2; exit 1; fi
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check kubernetes-validate==1.37.0
for version in 1.30 1.33 1.34 1.37; do
	"$work/venv/bin/kubernetes-validate" --strict -k "$version" "$work/all.yaml"
done
