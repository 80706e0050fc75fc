#!/usr/bin/env bash
# Checks compose.yaml with the library of docker compose, and prints what it comes to.
set -euo pipefail
cd "$(dirname "$0")/validate"
go run . ../compose.yaml
