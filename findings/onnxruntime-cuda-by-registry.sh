#!/usr/bin/env bash
# onnxruntime 1.30.0 is for CUDA 13 on PyPI and for CUDA 12 on npm.
#
# Expected: one version of a library is built for one major version of CUDA, or its packages say in their names for which, as
# those of cupy and NVIDIA do. A step from 1.26 to 1.27 does not change it.
#
# What happens: the wheel onnxruntime-gpu, by its extra `cuda`, is for CUDA 12 up to 1.26.0 and for CUDA 13 from 1.27.0 on,
# under one name. npm's onnxruntime-node 1.30.0 fetches its CUDA library from a third registry when it is installed, and its
# script knows that for CUDA 12 alone. CUDA's own libraries have their version in their names (libcudart.so.12, libcudart.so.13),
# so one cannot stand in for the other.
#
# Why it matters: a base image for a service in Node that was chosen by the Python package of the same version, or because the
# Python worker beside it runs on it, has the wrong CUDA. So has a Python image after a minor update. In Python a session
# is opened all the same, even where CUDA alone was asked for, and computes on the CPU after an error in the log. Read CUDA's
# version from the package that is installed.
#
# Versions: onnxruntime-gpu 1.26.0, 1.27.0 and 1.30.0 for Python 3.12, onnxruntime-node 1.30.0, Node 20.20. Date: 2026-12-01
# Needs: python3 with pip 22.2 or later, node with npm; Linux on x64; 110 MB of downloads; exits with 1 if the behaviour has
# changed
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# of_wheel VERSION: prints for which CUDA a wheel asks; pip reads its metadata alone, and installs nothing.
of_wheel() {
  python3 -m pip install --quiet --disable-pip-version-check --dry-run --ignore-installed --no-deps --report report.json \
    --target none --only-binary :all: --python-version 3.12 --platform manylinux_2_27_x86_64 --platform manylinux_2_28_x86_64 \
    "onnxruntime-gpu==$1"
  python3 - <<'PYTHON'
import json
import re

[package] = json.load(open("report.json"))["install"]
texts = [text for text in package["metadata"]["requires_dist"] if text.startswith("nvidia-cuda-runtime")]
print(" ".join("CUDA " + re.search(r"~=(\d+)", text)[1] for text in texts))
PYTHON
}

seen=
for version in 1.26.0 1.27.0 1.30.0; do
  cuda=$(of_wheel "$version")
  echo "PyPI onnxruntime-gpu $version: $cuda"
  seen+="$cuda, "
done

npm install --silent --no-audit --no-fund --ignore-scripts onnxruntime-node@1.30.0
cuda=$(node -p 'require("./node_modules/onnxruntime-node/script/install-metadata.js").requirements["linux/x64"].join()')
echo "npm onnxruntime-node 1.30.0: $cuda"
seen+=$cuda
[ "$seen" = "CUDA 12, CUDA 13, CUDA 13, cuda12" ]
