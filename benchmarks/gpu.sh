#!/usr/bin/env bash
# What a GPU gives, in at most nine minutes: bash benchmarks/gpu.sh [FOLDER] [--toy] [--seconds N]; without FOLDER, $OUT is it.
set -eu
cd "$(dirname "$0")/.."
folder="${OUT:-}"
if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
  folder="$1"
  shift
fi
: "${folder:?give a folder for the results, or set OUT}"
exec "${PYTHON:-python}" benchmarks/gpu.py "$folder" "$@"
