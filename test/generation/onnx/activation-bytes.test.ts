import { describe, expect, test } from "vitest";
import {
  add,
  attention,
  Graph,
  linear,
  mul,
  neg,
  reshape,
  type Value,
} from "../../../lib/generation/onnx/index.ts";

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

  test("activations include 16-bit weights of products that every run casts, and no others", () => {
    const external = { location: "", offset: 0, byteLength: 0 };
    const bytes = (dtype: "float32" | "bfloat16", mappedBytesMin?: number) => {
      const weights = { tensor: (_: string, shape: readonly number[]) => ({ dtype, shape, ...external }) };
      const graph = new Graph({ weights, ...(mappedBytesMin !== undefined && { mappedBytesMin }) });
      graph.output("y", linear(graph.input("x", "float32", [1, 64]), graph.weight("w", [64, 64])));
      return graph.activationBytes;
    };
    expect(bytes("float32", 0)).toBe(KB / 2);
    expect(bytes("bfloat16")).toBe(KB / 2);
    // The cast weight and a few small values.
    expect(bytes("bfloat16", 0)).toBeGreaterThan(16 * KB);
    expect(bytes("bfloat16", 0)).toBeLessThan(17 * KB);
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
