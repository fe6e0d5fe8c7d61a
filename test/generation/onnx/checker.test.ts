import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import * as onnx from "../../../lib/generation/onnx/index.ts";
import { Graph, type Precision, type Provider } from "../../../lib/generation/onnx/index.ts";

const python = process.env.ADAREEL_PYTHON ?? "python3";
const hasChecker = spawnSync(python, ["-c", "import onnx; onnx.checker"]).status === 0;
if (!hasChecker)
  console.warn(`The ONNX checker is skipped: ${python} has no package onnx (set ADAREEL_PYTHON).`);

const folder = mkdtempSync(join(tmpdir(), "adareel-checker-"));
// Hooks are skipped when every test is skipped, so the folder is then removed here.
if (hasChecker) afterAll(() => rmSync(folder, { recursive: true }));
else rmSync(folder, { recursive: true });

function everyOperator(provider: Provider, precision: Precision): Uint8Array {
  const dtypes = ["float32", "float16", "bfloat16"] as const;
  const graph = new Graph({
    provider,
    weights: {
      tensor(name, shape) {
        const dtype = dtypes[name.length % 3]!;
        const byteLength = shape.reduce((count, size) => count * size, dtype === "float32" ? 4 : 2);
        return { dtype, shape, location: "weights.bin", offset: 3, byteLength };
      },
    },
  });
  graph.inPrecision(precision, () => useEveryOperator(graph));
  return graph.build();
}

/** Adds every operator once, over weights in all three types. */
function useEveryOperator(graph: Graph): void {
  const x = graph.input("x", "float32", [2, 6, 8]);
  const image = graph.input("image", "float32", [2, 8, 4, 6]);
  const video = graph.input("video", "float32", [1, 4, 3, 6, 6]);
  const ids = graph.input("ids", "int64", [2, 6]);
  const keep = onnx.reshape(onnx.cast(ids, "bool"), [2, 1, 1, 6]);
  const weight = (name: string, ...shape: number[]) => graph.weight(name, shape);
  const turned = onnx.rotaryInterleaved(x, weight("cos", 6, 2), weight("sin", 6, 2));
  const normal = onnx.rmsNorm(onnx.layerNorm(turned, { eps: 1e-6 }), weight("rms", 8), { eps: 1e-6 });
  const attended = onnx.attention({ q: normal, k: x, v: x, heads: 2, mask: keep });
  const biased = onnx.attention({ q: x, k: x, v: x, heads: 2, scale: 1, mask: weight("bias", 1, 2, 6, 6) });
  const mixed = onnx.linear(onnx.add(attended, biased), weight("proj.weight", 8, 8), weight("proj.bias", 8));
  const [left, right] = onnx.split(onnx.silu(onnx.gelu(mixed, "tanh")), -1, 2) as [onnx.Value, onnx.Value];
  const joined = onnx.concat([onnx.tanh(left), onnx.exp(onnx.neg(right))], 2);
  const looked = onnx.gather(weight("table", 9, 8), ids);
  const chosen = onnx.where(
    onnx.reshape(keep, [2, 6, 1]),
    joined,
    onnx.sub(looked, onnx.gelu(joined, "none")),
  );
  const scores = onnx.softmax(onnx.matmul(chosen, onnx.transpose(chosen, [0, 2, 1])));
  graph.output("scores", onnx.div(scores, onnx.sqrt(onnx.sumAbs(onnx.slice(chosen, 1, 1, -1)))));
  graph.output(
    "mean",
    onnx.reduceMean(
      onnx.pad(onnx.sigmoid(chosen), [
        [0, 0],
        [1, 1],
        [0, 0],
      ]),
      { axes: [1] },
    ),
  );
  graph.output("sum", onnx.reduceSum(onnx.expand(looked, [3, 2, 6, 8]), { axes: [0], keepDims: true }));
  const grouped = onnx.groupNorm(image, 4, weight("gn.weight", 8), weight("gn.bias", 8), 1e-6);
  const doubled = onnx.upsampleNearest2x(grouped);
  graph.output(
    "decoded",
    onnx.conv2d(doubled, weight("conv2", 5, 8, 3, 3), weight("conv2.bias", 5), { pads: 1 }),
  );
  graph.output(
    "patches",
    onnx.conv3d(video, weight("conv3", 6, 4, 1, 2, 2), undefined, { stride: [1, 2, 2] }),
  );
}

test.skipIf(!hasChecker)("the official checker and strict shape inference accept every operator", () => {
  writeFileSync(join(folder, "weights.bin"), new Uint8Array(4096));
  const models = (["cpu", "webgpu"] as const).flatMap((provider) =>
    (["float32", "float16"] as const).map((precision) => {
      const path = join(folder, `${provider}-${precision}.onnx`);
      writeFileSync(path, everyOperator(provider, precision));
      return path;
    }),
  );
  const result = spawnSync(python, ["tools/golden/check_onnx.py", ...models], { encoding: "utf8" });
  expect(`${result.stdout}${result.stderr}`).toBe(models.map((path) => `${path}: ok\n`).join(""));
});
