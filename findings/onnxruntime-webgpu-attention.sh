#!/usr/bin/env bash
# onnxruntime on WebGPU: `MultiHeadAttention` computes wrong numbers from 32 positions on, with SwiftShader as the driver.
#
# Expected: com.microsoft `MultiHeadAttention` has a WebGPU kernel, so that a model which runs on the CPU gives the same
# numbers on WebGPU, up to the order of sums. Where an adapter lacks something that a kernel needs, one expects another
# kernel or an error.
#
# What happens: up to 31 positions the results agree with the CPU to 3e-7. From 32 positions on they are off by a tenth of
# the largest number and more, in float32, without an error or a warning. The same attention from two `MatMul` and a
# `Softmax`, run on the same adapter, agrees to 1e-6 at every length.
#
# Why it matters: small tests pass, and every real sequence is longer than 31. The adapter here is SwiftShader, the Vulkan
# driver in software that Chromium brings and that continuous integration runs WebGPU on. Whether the kernel or the
# driver is at fault is not known, and no GPU was tried; its subgroups have 4 lanes, which no common GPU has. Compare
# a fused operator with the CPU at the lengths that you use, or take the operators apart.
#
# Versions: onnxruntime-node 1.30.0, onnx 1.23.1; SwiftShader of Chromium 156.0.8078.114 (Debian 12)
# Date: 2026-11-30
# Needs: Node 20 or later with npm, python3 (3.11 to 3.13) with venv, libvulkan1, and SwiftShader: VULKAN_DRIVER names its
# manifest, which Debian's package chromium installs where it is looked for. Exits with 1 if the behaviour has changed.
set -euo pipefail

driver=${VULKAN_DRIVER:-/usr/lib/chromium/vk_swiftshader_icd.json}
if [ ! -e "$driver" ]; then
  echo "no SwiftShader at $driver: install chromium, or name the manifest in VULKAN_DRIVER" >&2
  exit 2
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps \
  onnx==1.23.1 numpy==2.4.6 ml_dtypes==0.6.0 protobuf==7.36.2 typing_extensions==4.16.0
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts onnxruntime-node@1.30.0

# Writes a model of each kind for each number of positions: q, k and v are [1, positions, 4 heads * 32].
cat >models.py <<'PYTHON'
import sys

import numpy
from onnx import TensorProto, helper, numpy_helper

HEADS, WIDTH = 4, 32


def apart(positions):
    shape = numpy_helper.from_array(numpy.array([1, positions, HEADS, WIDTH], dtype=numpy.int64), "heads")
    flat = numpy_helper.from_array(numpy.array([1, positions, HEADS * WIDTH], dtype=numpy.int64), "flat")
    scale = numpy_helper.from_array(numpy.array(WIDTH**-0.5, dtype=numpy.float32), "scale")
    nodes = [helper.make_node("Reshape", [name, "heads"], [f"{name}4"]) for name in "qkv"]
    nodes += [helper.make_node("Transpose", [f"{name}4"], [f"{name}h"], perm=perm) for name, perm in
              [("q", [0, 2, 1, 3]), ("k", [0, 2, 3, 1]), ("v", [0, 2, 1, 3])]]
    nodes += [
        helper.make_node("MatMul", ["qh", "kh"], ["products"]),
        helper.make_node("Mul", ["products", "scale"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["weights"], axis=-1),
        helper.make_node("MatMul", ["weights", "vh"], ["mixed"]),
        helper.make_node("Transpose", ["mixed"], ["back"], perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["back", "flat"], ["y"]),
    ]
    return nodes, [shape, flat, scale]


for positions in map(int, sys.argv[1:]):
    fused = [helper.make_node("MultiHeadAttention", ["q", "k", "v"], ["y"], domain="com.microsoft", num_heads=HEADS)]
    for kind, (nodes, constants) in {"fused": (fused, []), "apart": apart(positions)}.items():
        values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, positions, HEADS * WIDTH]) for n in "qkvy"]
        model = helper.make_model(
            helper.make_graph(nodes, "attention", values[:3], values[3:], constants),
            opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)],
            ir_version=10,
        )
        with open(f"{kind}-{positions}.onnx", "wb") as file:
            file.write(model.SerializeToString())
PYTHON
venv/bin/python models.py 16 31 32 64

cat >check.mjs <<'JS'
import { InferenceSession, Tensor } from "onnxruntime-node";

async function run(file, provider, feeds) {
  const session = await InferenceSession.create(file, { executionProviders: [provider], logSeverityLevel: 4 });
  const { y } = await session.run(feeds);
  await session.release();
  return y.data;
}

let state = 1;
function number() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 31 - 1;
}

const errors = {};
console.log("largest difference between WebGPU and the CPU, relative to the largest result");
console.log("positions  MultiHeadAttention  taken apart");
for (const positions of [16, 31, 32, 64]) {
  const shape = [1, positions, 128];
  const tensor = () => new Tensor("float32", Float32Array.from({ length: positions * 128 }, number), shape);
  const feeds = { q: tensor(), k: tensor(), v: tensor() };
  const exact = await run(`fused-${positions}.onnx`, "cpu", feeds);
  const largest = exact.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const [fused, apart] = await Promise.all(
    ["fused", "apart"].map(async (kind) => {
      const found = await run(`${kind}-${positions}.onnx`, "webgpu", feeds);
      return found.reduce((max, value, i) => Math.max(max, Math.abs(value - exact[i])), 0) / largest;
    }),
  );
  errors[positions] = fused;
  console.log(`${String(positions).padStart(9)}${fused.toExponential(1).padStart(20)}${apart.toExponential(1).padStart(13)}`);
  if (apart > 1e-5) throw new Error(`changed: attention taken apart is off by ${apart} at ${positions} positions`);
}
if (errors[31] > 1e-5 || errors[32] < 1e-2 || errors[64] < 1e-2) {
  console.error("changed: MultiHeadAttention is not right up to 31 positions and wrong from 32 on any more");
  process.exit(1);
}
console.log(`as described: off by ${(100 * errors[32]).toFixed(0)} % at 32 positions, and right at 31`);
JS
VK_ICD_FILENAMES=$driver VK_DRIVER_FILES=$driver XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-$folder} node check.mjs
