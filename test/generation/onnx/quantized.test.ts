import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  type ExternalTensor,
  Graph,
  linear,
  openSession,
  type Tensor,
  type WeightSource,
} from "../../../lib/generation/onnx/index.ts";
import { relativeL2 } from "../relative-l2.ts";
import { ModelProtoSchema } from "./generated/onnx_pb.js";

/** Draws normally distributed numbers, the same for the same seed. */
function normal(count: number, seed: number): Float32Array {
  let state = seed * 2654435761 + 1;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float32Array.from({ length: count }, () => {
    const [u, v] = [uniform(), uniform()];
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
  });
}

interface Layer {
  readonly rows: number;
  readonly inWidth: number;
  readonly outWidth: number;
  readonly x: Float32Array;
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

function layer(rows: number, inWidth: number, outWidth: number, seed = 1): Layer {
  return {
    ...{ rows, inWidth, outWidth },
    x: normal(rows * inWidth, seed),
    weight: normal(outWidth * inWidth, seed + 1),
    bias: normal(outWidth, seed + 2),
  };
}

/** Returns x @ weight.T + bias in double precision. */
function exactProduct({ rows, inWidth, outWidth, x, weight, bias }: Layer): Float64Array {
  const y = new Float64Array(rows * outWidth);
  for (let row = 0; row < rows; row++)
    for (let out = 0; out < outWidth; out++) {
      let sum = bias[out]!;
      for (let at = 0; at < inWidth; at++) sum += x[row * inWidth + at]! * weight[out * inWidth + at]!;
      y[row * outWidth + out] = sum;
    }
  return y;
}

const constants = (graph: Graph, { inWidth, outWidth, weight, bias }: Layer) =>
  [graph.constant(weight, [outWidth, inWidth]), graph.constant(bias, [outWidth])] as const;

/** Runs a linear layer whose weight is quantised when the session opens. */
async function product(of: Layer, precision: "int8" | "float32" = "int8"): Promise<Float32Array> {
  const graph = new Graph();
  const x = graph.input("x", "float32", [of.rows, of.inWidth]);
  graph.output(
    "y",
    graph.inPrecision(precision, () => linear(x, ...constants(graph, of))),
  );
  const session = await openSession(graph.build(), { threads: 1 });
  const feed: Tensor = { dtype: "float32", shape: [of.rows, of.inWidth], data: of.x };
  const { y } = await session.run({ x: feed });
  await session.release();
  return y!.data as Float32Array;
}

function operators(graph: Graph): string[] {
  return fromBinary(ModelProtoSchema, graph.build()).graph!.node.map(({ opType }) => opType);
}

describe("a linear layer in int8", () => {
  // Measured: 0.0085 to 0.0095. Weights and rows of normal numbers lose half a step of 127 and of 255 over their range.
  test.each([
    [40, 96, 72],
    [64, 512, 64],
    [33, 1000, 40],
  ])("a product of %i rows of width %i into %i channels is within 0.015", async (rows, inWidth, outWidth) => {
    const of = layer(rows, inWidth, outWidth);
    expect(relativeL2(await product(of), exactProduct(of))).toBeLessThan(0.015);
  });

  // With one scale for all channels the error is 0.09.
  test("a wide layer keeps its accuracy when a few channels are twenty times as large", async () => {
    const of = layer(64, 1024, 64);
    for (let row = 0; row < of.rows; row++)
      for (const channel of [3, 77, 500, 1015]) of.x[row * of.inWidth + channel]! *= 20;
    expect(relativeL2(await product(of), exactProduct(of))).toBeLessThan(0.015);
  });

  // GELU leaves nothing below -0.17: the integers of its rows are not centred, and the largest are near 255. Weights of
  // one sign then add up to more than 16 bits hold, and a kernel that adds in 16 bits cuts them off.
  test("a sum of large products of one sign is not cut off", async () => {
    const of = layer(32, 64, 32);
    of.x.fill(3);
    of.weight.fill(0.5);
    of.x[0] = 0;
    expect(relativeL2(await product(of), exactProduct(of))).toBeLessThan(0.005);
  });

  test("channels of zeros and rows of zeros give the bias, and nothing that is not finite", async () => {
    const of = layer(32, 64, 16);
    of.x.fill(0);
    of.weight.fill(0, 0, 64);
    const y = await product(of);
    for (let row = 0; row < of.rows; row++)
      expect([...y.slice(row * 16, row * 16 + 16)]).toEqual([...of.bias]);
  });

  test("a product of few rows stays in float32, bit for bit", async () => {
    const of = layer(31, 64, 32);
    expect(await product(of)).toEqual(await product(of, "float32"));
  });

  test("layers that take the same rows share their integers, and the search for large channels", () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [2, 40, 512]);
    graph.inPrecision("int8", () => {
      for (const seed of [1, 2, 3])
        graph.output(`y${seed}`, linear(x, ...constants(graph, layer(1, 512, 32, seed))));
    });
    const all = operators(graph);
    for (const opType of ["DynamicQuantizeLinear", "TopK"])
      expect(all.filter((other) => other === opType)).toHaveLength(1);
    expect(all.filter((opType) => opType === "MatMulIntegerToFloat")).toHaveLength(3);
  });

  test("attention and other products in int8 are those of float32", () => {
    const graph = new Graph();
    const x = graph.input("x", "float32", [40, 64]);
    expect(graph.inPrecision("int8", () => graph.asFactor(x))).toBe(x);
  });

  test.each(["cuda", "webgpu"] as const)("a graph for %s refuses int8 and says what there is", (provider) => {
    const graph = new Graph({ provider });
    expect(() => graph.inPrecision("int8", () => undefined)).toThrow(
      `graph: the provider ${provider} has no products in int8: take float32 or float16`,
    );
  });
});

describe("a weight that is stored in 8-bit integers", () => {
  const of = layer(40, 64, 48);

  /** Writes a weight in both forms: float32, and integers as the graph itself would quantise it. */
  async function weightFile(scale = 1): Promise<{ folder: string; weights: WeightSource }> {
    const folder = await mkdtemp(join(tmpdir(), "adareel-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const { inWidth, outWidth, weight } = of;
    const scales = Float32Array.from({ length: outWidth }, (_, out) => {
      const row = weight.subarray(out * inWidth, (out + 1) * inWidth);
      return Math.fround(Math.max(...row.map(Math.abs)) / 127);
    });
    const values = new Int8Array(inWidth * outWidth);
    for (let out = 0; out < outWidth; out++)
      for (let at = 0; at < inWidth; at++)
        values[at * outWidth + out] = Math.round(Math.fround(weight[out * inWidth + at]! / scales[out]!));
    const scaled = scales.map((value) => value * scale);
    await writeFile(
      join(folder, "weights.bin"),
      Buffer.concat([weight, values, scaled].map(({ buffer }) => new Uint8Array(buffer))),
    );
    const at = (dtype: ExternalTensor["dtype"], shape: number[], offset: number, byteLength: number) => ({
      ...{ dtype, shape, offset, byteLength },
      location: "weights.bin",
    });
    const count = inWidth * outWidth;
    return {
      folder,
      weights: {
        tensor: (_, shape) => at("float32", [...shape], 0, 4 * count),
        quantized: () => ({
          values: at("int8", [inWidth, outWidth], 4 * count, count),
          scales: at("float32", [outWidth], 5 * count, 4 * outWidth),
        }),
      },
    };
  }

  function graphOver(weights: WeightSource): Graph {
    const graph = new Graph({ weights });
    const x = graph.input("x", "float32", [of.rows, of.inWidth]);
    const bias = graph.constant(of.bias, [of.outWidth]);
    const y = graph.inPrecision("int8", () => linear(x, graph.weight("w", [of.outWidth, of.inWidth]), bias));
    graph.output("y", y);
    return graph;
  }

  test("a stored weight is read as it is, and gives the same numbers as one that is quantised on opening", async () => {
    const { folder, weights } = await weightFile();
    const graph = graphOver(weights);
    expect(operators(graph)).not.toContain("QuantizeLinear");
    const session = await openSession(graph.build(), { weightsFolder: folder, threads: 1 });
    onTestFinished(() => session.release());
    const { y } = await session.run({ x: { dtype: "float32", shape: [40, 64], data: of.x } });
    expect(y!.data).toEqual(await product(of));
  });

  test("the scales of a stored weight are used", async () => {
    const { folder, weights } = await weightFile(2);
    const session = await openSession(graphOver(weights).build(), { weightsFolder: folder, threads: 1 });
    onTestFinished(() => session.release());
    const { y } = await session.run({ x: { dtype: "float32", shape: [40, 64], data: of.x } });
    const doubled = { ...of, weight: of.weight.map((value) => 2 * value) };
    expect(relativeL2(y!.data as Float32Array, exactProduct(doubled))).toBeLessThan(0.015);
  });

  test("an open session holds a quarter of the bytes, stored or quantised on opening", async () => {
    const { weights } = await weightFile();
    const stored = graphOver(weights);
    const folded = graphOver({ tensor: weights.tensor });
    expect(stored.heldWeightBytes).toBe(64 * 48 + 4 * 48);
    expect(folded.heldWeightBytes).toBe(stored.heldWeightBytes);
    // By its bytes in float32 a session decides whether to map a weight.
    expect(stored.weightBytes).toBe(4 * (64 * 48 + 48));
    expect(folded.weightBytes).toBe(0);
  });
});

test("quantised products of any shape agree with exact ones", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 32, max: 48 }),
      fc.integer({ min: 1, max: 700 }),
      fc.integer({ min: 1, max: 24 }),
      fc.integer({ min: 0, max: 1000 }),
      async (rows, inWidth, outWidth, seed) => {
        const of = layer(rows, inWidth, outWidth, seed);
        of.bias.fill(0);
        expect(relativeL2(await product(of), exactProduct(of))).toBeLessThan(0.03);
      },
    ),
    { numRuns: 12 },
  );
});
