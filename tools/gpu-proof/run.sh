#!/bin/sh
# Runs the GPU proof from the folder that tools/gpu-proof/pack.ts made: ./run.sh [--out FOLDER] [--seconds N]
# Python is python3, or ADAREEL_PYTHON. Without a GPU it says so, and ends with exit code 0.
here=$(cd "$(dirname "$0")" && pwd)
export ADAREEL_PYTHON_PACKAGES="$here/python"
exec "$here/node" "$here/tools/bench/model/proof.mjs" "$@"
