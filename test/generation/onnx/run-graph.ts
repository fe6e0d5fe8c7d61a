import { expect } from "vitest";
import {
  Graph,
  openSession,
  type Provider,
  type Tensor,
  type Value,
} from "../../../lib/generation/onnx/index.ts";

/** Creates a float32 tensor of values between -1 and 1 that depend on shape and `seed` only. */
export function tensor(shape: readonly number[], seed = 1): Tensor & { readonly data: Float32Array } {
  let state = seed * 7919 + shape.length;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return { dtype: "float32", shape, data: Float32Array.from({ length: size(shape) }, next) };
}

export function boolTensor(shape: readonly number[], data: readonly boolean[]): Tensor {
  return { dtype: "bool", shape, data: Uint8Array.from(data, Number) };
}

export function int64Tensor(shape: readonly number[], data: readonly number[]): Tensor {
  return { dtype: "int64", shape, data: BigInt64Array.from(data, BigInt) };
}

export function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** Builds a graph over `feeds` for `provider`, runs it on the CPU, and returns its outputs and build-time shapes. */
export async function runGraph<Feeds extends Record<string, Tensor>>(
  feeds: Feeds,
  build: (inputs: { readonly [Name in keyof Feeds]: Value }) => Value | readonly Value[],
  provider: Provider = "cpu",
): Promise<{ outputs: Tensor[]; built: readonly Value[] }> {
  const graph = new Graph({ provider });
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, shape }]) => [name, graph.input(name, dtype, shape)]),
  );
  const built = [build(inputs as { [Name in keyof Feeds]: Value })].flat() as Value[];
  for (const [index, value] of built.entries()) graph.output(`output${index}`, value);
  const session = await openSession(graph.build(), { threads: 1 });
  try {
    const results = await session.run(feeds);
    return { outputs: built.map((_, index) => results[`output${index}`]!), built };
  } finally {
    await session.release();
  }
}

/** Asserts that every element is within `tolerance`, relative to the largest expected magnitude (at least 1). */
export function expectClose(actual: Tensor, expected: ArrayLike<number>, tolerance = 2e-6): void {
  expect(actual.data.length).toBe(expected.length);
  let scale = 1;
  let worst = 0;
  for (let index = 0; index < expected.length; index++) {
    scale = Math.max(scale, Math.abs(expected[index]!));
    const difference = Math.abs(Number(actual.data[index]) - expected[index]!);
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
  }
  expect(worst / scale).toBeLessThanOrEqual(tolerance);
}
