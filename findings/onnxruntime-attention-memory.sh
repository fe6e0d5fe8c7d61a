#!/usr/bin/env bash
# onnxruntime on the CPU: the standard `Attention` holds the scores of all heads, `MultiHeadAttention` does not.
#
# Expected: ONNX made attention a standard operator in opset 23. onnxruntime also has an older operator of its own,
# com.microsoft `MultiHeadAttention`. Both compute the same function of q, k and v. onnxruntime has had flash attention
# for the CPU since 2024. One expects the standard operator to use it too.
#
# What happens: flash attention serves `MultiHeadAttention` only (float32, without a mask). `Attention` allocates a
# tensor of heads * queries * keys float32 numbers. With 8 heads of 64 channels and 4096 tokens, one run of `Attention`
# adds about 540 MiB to the peak memory of the process, 512 MiB of which are scores. `MultiHeadAttention` adds about
# 35 MiB. Twice as many tokens take four times as much memory with `Attention`, and twice as much with the other. The
# outputs are equal to 1e-6, and nothing warns.
#
# Why it matters: the standard operator is the natural target for exporters and graph builders, and videos have many
# tokens. Two seconds of Wan 2.1 1.3B at 480p are 14,040 tokens: with 12 heads, and a batch of 2 for guidance, one
# `Attention` holds 17.6 GiB of scores. The model is right in every small test, and is killed for its memory at real
# sizes. Replace the operator if there is no mask, or run it over blocks of queries.
#
# Versions: onnxruntime 1.30.0 (as onnxruntime-node 1.30.0), onnx 1.23.1, numpy 2.4.6; 1.32.0 does the same.
# Date: 2026-11-29
# Needs: python3 (3.11 to 3.13) with venv, 1 GiB of memory. Exits with 1 if the behaviour has changed.
set -euo pipefail
unset ORT_DISABLE_FLASH_ATTENTION

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps \
  onnxruntime==1.30.0 onnx==1.23.1 numpy==2.4.6 \
  flatbuffers==25.12.19 ml_dtypes==0.6.0 packaging==26.4 protobuf==7.36.2 typing_extensions==4.16.0

# Runs one operator once, and writes its output and by how much the run raised the peak memory of this process.
cat >measure.py <<'PYTHON'
import json
import resource
import sys

import numpy
import onnxruntime
from onnx import TensorProto, helper

operator, tokens = sys.argv[1], int(sys.argv[2])
heads, channels = 8, 64
shape = [1, tokens, heads * channels]

if operator == "Attention":
    node = helper.make_node("Attention", ["q", "k", "v"], ["y"], q_num_heads=heads, kv_num_heads=heads)
else:
    node = helper.make_node(operator, ["q", "k", "v"], ["y"], domain="com.microsoft", num_heads=heads)
q, k, v, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "qkvy")
model = helper.make_model(
    helper.make_graph([node], "attention", [q, k, v], [y]),
    opset_imports=[helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)],
    ir_version=10,
)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

random = numpy.random.default_rng(0)
feeds = {name: random.standard_normal(shape, dtype=numpy.float32) for name in "qkv"}


def peak_mib():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


before = peak_mib()
(output,) = session.run(None, feeds)
result = {"mib": peak_mib() - before, "scores": heads * tokens**2 * 4 / 2**20}
numpy.save(f"{operator}-{tokens}.npy", output)
with open(f"{operator}-{tokens}.json", "w") as file:
    json.dump(result, file)
PYTHON

for tokens in 2048 4096; do
  for operator in Attention MultiHeadAttention; do
    venv/bin/python measure.py "$operator" "$tokens"
  done
done

cat >check.py <<'PYTHON'
import json
import platform
import sys
from importlib.metadata import version

import numpy

packages = ", ".join(f"{name} {version(name)}" for name in ["onnxruntime", "onnx", "numpy"])
print(f"{packages}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
print("8 heads of 64 channels, float32; MiB that one run adds to the peak memory of its process")
print("tokens  scores of all heads  Attention  MultiHeadAttention  largest difference of the outputs")

changed = []
for tokens in [2048, 4096]:
    standard, flash = (json.load(open(f"{name}-{tokens}.json")) for name in ["Attention", "MultiHeadAttention"])
    outputs = [numpy.load(f"{name}-{tokens}.npy") for name in ["Attention", "MultiHeadAttention"]]
    difference = float(numpy.abs(outputs[0] - outputs[1]).max())
    print(f"{tokens:6}{standard['scores']:21.0f}{standard['mib']:11.0f}{flash['mib']:20.0f}{difference:35.1e}")
    if difference > 1e-5:
        changed.append(f"the two operators compute different outputs for {tokens} tokens")
if standard["mib"] < 0.9 * standard["scores"]:
    changed.append("Attention no longer holds the scores of all heads")
if standard["mib"] < 4 * flash["mib"]:
    changed.append("Attention no longer takes 4 times the memory of MultiHeadAttention")
for change in changed:
    print("changed:", change, file=sys.stderr)
if changed:
    sys.exit(1)
print(f"as described: for 4096 tokens, Attention adds {standard['mib'] / flash['mib']:.0f} times as much memory")
PYTHON
venv/bin/python check.py
