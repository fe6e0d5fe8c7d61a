import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, onTestFinished, test } from "vitest";
import * as onnx from "../../../lib/generation/onnx/index.ts";
import {
  type DType,
  Graph,
  openSession,
  type Provider,
  type Tensor,
} from "../../../lib/generation/onnx/index.ts";
import { ModelProtoSchema } from "./generated/onnx_pb.js";
import { expectClose, runGraph, tensor } from "./run-graph.ts";

/** Returns the input names of every node of an operator. */
function inputsOf(graph: Graph, opType: string): string[][] {
  const { node } = fromBinary(ModelProtoSchema, graph.build()).graph!;
  return node.filter((candidate) => candidate.opType === opType).map(({ input }) => input);
}

function graphOver(dtype: DType): Graph {
  return new Graph({
    weights: {
      tensor: (_, shape) => ({ dtype, shape, location: "weights.bin", offset: 0, byteLength: 8 }),
    },
  });
}

function halfLinear(graph: Graph, x: onnx.Value): onnx.Value {
  return graph.inPrecision("float16", () => onnx.linear(x, graph.weight("w", [2, 2])));
}

describe("a linear layer in float16", () => {
  test.each([
    ["float16", ["linear/Cast", "w"]],
    ["bfloat16", ["linear/Cast", "linear/Cast_2"]],
    ["float32", ["linear/Cast", "linear/Cast_2"]],
  ] as const)("the Gemm of a float16 linear layer over a %s weight has the inputs %s", (dtype, expected) => {
    const graph = graphOver(dtype);
    const y = halfLinear(graph, graph.input("x", "float32", [1, 2]));
    expect(y.dtype).toBe("float16");
    graph.output("y", y);
    expect(inputsOf(graph, "Gemm")).toEqual([expected]);
    // Casts go straight to float16, not through float32.
    expect(inputsOf(graph, "Cast")).toEqual([["x"], ["w"]].slice(0, dtype === "float16" ? 1 : 2));
  });

  test("an input is cast once for all layers that take it", () => {
    const graph = graphOver("float16");
    const x = graph.input("x", "float32", [1, 2]);
    graph.output("sum", onnx.add(halfLinear(graph, x), halfLinear(graph, x)));
    expect(inputsOf(graph, "Cast")).toEqual([["x"]]);
  });

  test("layers outside of the float16 scope are in float32, even after an error", () => {
    const graph = graphOver("float32");
    const x = graph.input("x", "float32", [1, 2]);
    expect(() => graph.inPrecision("float16", () => onnx.linear(x, onnx.reshape(x, [2, 1])))).toThrow(
      /does not fit/,
    );
    expect(onnx.linear(x, graph.weight("w", [2, 2])).dtype).toBe("float32");
    expect(onnx.linear(halfLinear(graph, x), graph.weight("w", [2, 2])).dtype).toBe("float32");
  });

  test("a bfloat16 weight beyond float16 becomes infinity, and so is noticed", async () => {
    const folder = await mkdtemp(join(tmpdir(), "adareel-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    // 1, 2, 2 ** 16, -0.5
    await writeFile(join(folder, "weights.bin"), Uint16Array.of(0x3f80, 0x4000, 0x4780, 0xbf00));
    const graph = graphOver("bfloat16");
    const y = halfLinear(graph, graph.input("x", "float32", [1, 2]));
    graph.output("y", onnx.cast(y, "float32"));
    const session = await openSession(graph.build(), { weightsFolder: folder, threads: 1 });
    onTestFinished(() => session.release());
    const out = await session.run({ x: { dtype: "float32", shape: [1, 2], data: Float32Array.of(1, 1) } });
    expect([...out.y!.data]).toEqual([3, Number.POSITIVE_INFINITY]);
  });
});

const half = (build: (x: onnx.Value) => onnx.Value) => (inputs: { x: onnx.Value }) =>
  onnx.cast(build(onnx.cast(inputs.x, "float16")), "float32");

describe("beside float16", () => {
  const x = tensor([2, 6, 8]);
  const large: Tensor = { ...x, data: x.data.map((value) => 1000 * value) };

  test("the sum of a float16 and a float32 value is float32", async () => {
    const y = { ...x, data: x.data.map((value) => value / 4096) };
    const sum = await runGraph({ x, y }, (inputs) => onnx.add(onnx.cast(inputs.x, "float16"), inputs.y));
    expect(sum.built[0]!.dtype).toBe("float32");
    expectClose(
      sum.outputs[0]!,
      x.data.map((value, i) => value + y.data[i]!),
      5e-4,
    );
    expect(sum.outputs[0]!.data.some((value, i) => Math.abs(Number(value) - x.data[i]!) > 1e-4)).toBe(true);
  });

  // The square of 1000 is beyond float16.
  test.each(["cpu", "webgpu"] as const)("normalisations for %s are float32", async (provider) => {
    const norms = (tokens: onnx.Value) => {
      const ones = tokens.graph.constant(new Float32Array(8).fill(1), [8]);
      return onnx.add(onnx.rmsNorm(tokens, ones, { eps: 1e-6 }), onnx.layerNorm(tokens, { eps: 1e-6 }));
    };
    const [expected, actual] = [
      await runGraph({ x: large }, (inputs) => norms(inputs.x), provider),
      await runGraph({ x: large }, half(norms), provider),
    ];
    expectClose(actual.outputs[0]!, expected.outputs[0]!.data as Float32Array, 2e-3);
  });
});

describe("attention in float16", () => {
  const x = tensor([2, 6, 8]);
  const keep = Float32Array.from({ length: 12 }, (_, key) => (key < 4 || key >= 6 ? 0 : -3e4));
  const mask: Tensor = { dtype: "float32", shape: [2, 1, 1, 6], data: keep };

  const attended = (provider: Provider, precision: onnx.Precision, values: Tensor) =>
    runGraph(
      { x, mask, v: values },
      ({ x, mask, v }) => {
        const inputs = { q: x, k: x, v, heads: 2, mask };
        return onnx.cast(
          x.graph.inPrecision(precision, () => onnx.attention(inputs)),
          "float32",
        );
      },
      provider,
    );

  // Worst error measured: 4.2e-4.
  test.each(["cpu", "cuda", "webgpu"] as const)(
    "attention in float16 for %s is within 1e-3 of float32's",
    async (provider) => {
      const [expected, actual] = [
        await attended(provider, "float32", x),
        await attended(provider, "float16", x),
      ];
      expectClose(actual.outputs[0]!, expected.outputs[0]!.data as Float32Array, 1e-3);
      expect([...actual.outputs[0]!.data]).not.toEqual([...expected.outputs[0]!.data]);
    },
  );

  test("attention in float16 gives masked keys no weight at all", async () => {
    const changed: Tensor = {
      ...x,
      data: x.data.map((value, i) => (i >= 4 * 8 && i < 6 * 8 ? 50 : value)),
    };
    const [before, after] = [await attended("cpu", "float16", x), await attended("cpu", "float16", changed)];
    expect(after.outputs[0]!.data).toEqual(before.outputs[0]!.data);
  });
});
