import { describe, expect, test } from "vitest";
import { add, attention, Graph, mul, neg, reshape, type Value } from "../../../lib/generation/onnx/index.ts";

const KB = 1024;

/** Returns a graph and its input of one KB. */
function begin(provider: "cpu" | "cuda" = "cpu"): { graph: Graph; x: Value } {
  const graph = new Graph({ provider });
  return { graph, x: graph.input("x", "float32", [16, 16]) };
}

describe("the activations of a graph", () => {
  test("activations are held until their last use, and no longer", () => {
    const { graph, x } = begin();
    let y = x;
    for (let i = 0; i < 10; i++) y = neg(y);
    graph.output("y", y);
    expect(graph.activationBytes).toBe(2 * KB);
  });

  test("activations are held together where one is used again later", () => {
    const { graph, x } = begin();
    graph.output("y", add(neg(neg(neg(x))), x));
    expect(graph.activationBytes).toBe(3 * KB);
  });

  test("activations share memory with a reshape of the same tensor", () => {
    const { graph, x } = begin();
    const y = neg(x);
    graph.output("y", add(neg(neg(y)), reshape(reshape(y, [256]), [16, 16])));
    expect(graph.activationBytes).toBe(3 * KB);
  });

  test("activations exclude constant expressions and whatever no output needs", () => {
    const { graph, x } = begin();
    const table = neg(mul(graph.constant(new Float32Array(256), [16, 16]), 2));
    neg(neg(x));
    graph.output("y", add(x, table));
    expect(graph.activationBytes).toBe(2 * KB);
  });

  test("activations include 16-bit weights, which every run casts, but no 32-bit ones", () => {
    const bytes = (["float32", "bfloat16"] as const).map((dtype) => {
      const external = { location: "", offset: 0, byteLength: 0 };
      const graph = new Graph({ weights: { tensor: (_, shape) => ({ dtype, shape, ...external }) } });
      const x = graph.input("x", "float32", [16, 16]);
      graph.output("y", add(x, graph.weight("w", [16, 16])));
      return graph.activationBytes;
    });
    expect(bytes).toEqual([2 * KB, 3 * KB]);
  });

  test("activations include all outputs at the end", () => {
    const { graph, x } = begin();
    for (const name of ["a", "b", "c"]) graph.output(name, neg(x));
    expect(graph.activationBytes).toBe(4 * KB);
  });

  test("activations include the scores of all heads on the CPU, but not on CUDA", () => {
    const bytes = (["cpu", "cuda"] as const).map((provider) => {
      const graph = new Graph({ provider });
      const x = graph.input("x", "float32", [2, 8, 16]);
      graph.output("y", attention({ q: x, k: x, v: x, heads: 4 }));
      return graph.activationBytes;
    });
    expect(bytes).toEqual([2 * KB + 4 * 2 * 4 * 8 * 8, 2 * KB]);
  });
});
