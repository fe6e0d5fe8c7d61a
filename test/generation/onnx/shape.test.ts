import fc from "fast-check";
import { expect, test } from "vitest";
import type { Value } from "../../../lib/generation/onnx/index.ts";
import * as onnx from "../../../lib/generation/onnx/index.ts";
import { broadcastShapes, resolveReshape } from "../../../lib/generation/onnx/shape.ts";
import { int64Tensor, runGraph, size, tensor } from "./run-graph.ts";

const length = fc.integer({ min: 1, max: 4 });
const shape = fc.array(length, { minLength: 1, maxLength: 4 });

/** Expects the session to report the shapes that were inferred when the graph was built. */
async function expectShapesKept(x: readonly number[], build: (x: Value) => Value | readonly Value[]) {
  const { outputs, built } = await runGraph({ x: tensor(x) }, ({ x }) => build(x));
  expect(outputs.map((output) => output.shape)).toEqual(built.map((value) => value.shape));
}

/** `shape` with some axes made 1 and some leading ones left out: it broadcasts to `shape`. */
const withNarrow = shape.chain((wide) =>
  fc
    .tuple(
      fc.array(fc.boolean(), { minLength: wide.length, maxLength: wide.length }),
      fc.nat(wide.length - 1),
    )
    .map(([narrow, dropped]) => ({
      wide,
      narrow: wide.map((size, axis) => (narrow[axis] ? 1 : size)).slice(dropped),
    })),
);

const withAxis = shape.chain((x) =>
  fc.tuple(fc.constant(x), fc.integer({ min: -x.length, max: x.length - 1 })),
);

test("broadcasting never depends on the order of operands", () => {
  fc.assert(
    fc.property(shape, shape, (a, b) => {
      expect(broadcastShapes(a, b)).toEqual(broadcastShapes(b, a));
    }),
  );
});

test("a resolved reshape keeps the number of elements", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5)), fc.array(fc.integer({ min: -2, max: 6 })), (from, target) => {
      const resolved = resolveReshape(from, target);
      if (resolved) expect(size(resolved)).toBe(size(from));
    }),
  );
});

test("binary operators and expand have at run time the shape they were built with", async () => {
  await fc.assert(
    fc.asyncProperty(withNarrow, async ({ wide, narrow }) => {
      const build = (x: Value) => [
        onnx.mul(x, x.graph.constant(tensor(narrow).data, narrow)),
        onnx.add(0.5, x),
      ];
      await expectShapesKept(wide, build);
      await expectShapesKept(narrow, (x) => onnx.expand(x, wide));
    }),
    { numRuns: 40 },
  );
});

test("operators along one axis have at run time the shape they were built with", async () => {
  await fc.assert(
    fc.asyncProperty(withAxis, fc.nat(4), fc.nat(4), shape, async ([x, axis], bound, other, indices) => {
      const along = x.at(axis)!;
      const [start, end] = [bound % (along + 1), other % (along + 1)].toSorted((a, b) => a - b) as [
        number,
        number,
      ];
      await expectShapesKept(x, (x) => [
        onnx.slice(x, axis, start, end),
        ...onnx.split(
          x,
          axis,
          [start, along - start].filter((part) => part > 0),
        ),
        onnx.concat([x, onnx.neg(x)], axis),
        onnx.softmax(x, axis),
        onnx.reduceSum(x, { axes: [axis] }),
        onnx.reduceMean(x, { axes: [axis], keepDims: true }),
        onnx.gather(
          x,
          x.graph.constant(int64Tensor(indices, Array(size(indices)).fill(0)).data, indices),
          axis,
        ),
        onnx.transpose(x, [...x.shape.keys()].reverse()),
        onnx.pad(
          x,
          x.shape.map((_, index) => [index, bound] as const),
        ),
        onnx.reshape(x, [-1, along]),
      ]);
    }),
    { numRuns: 40 },
  );
});

test("convolutions have at run time the shape they were built with", async () => {
  const spatial = fc.array(fc.integer({ min: 3, max: 9 }), { minLength: 2, maxLength: 3 });
  const [kernel, option] = [fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 2 })];
  await fc.assert(
    fc.asyncProperty(
      spatial,
      kernel,
      option,
      option,
      fc.nat(2),
      async (positions, size, stride, dilation, pads) => {
        fc.pre(positions.every((length) => length + 2 * pads > dilation * (size - 1)));
        const weightShape = [3, 2, ...positions.map(() => size)];
        await expectShapesKept([1, 2, ...positions], (x) => {
          const weight = x.graph.constant(tensor(weightShape).data, weightShape);
          const conv = positions.length === 2 ? onnx.conv2d : onnx.conv3d;
          return [conv(x, weight, undefined, { stride, dilation, pads }), onnx.upsampleNearest2x(x)];
        });
      },
    ),
    { numRuns: 40 },
  );
});

test("linear, matmul and attention have at run time the shape they were built with", async () => {
  await fc.assert(
    fc.asyncProperty(length, length, length, length, length, async (batch, queries, keys, heads, half) => {
      const width = heads * half * 2;
      await expectShapesKept([batch, queries, width], (x) => {
        const constant = (shape: number[]) => x.graph.constant(tensor(shape).data, shape);
        const memory = constant([batch, keys, width]);
        const y = onnx.linear(x, constant([3, width]), constant([3]));
        const z = onnx.matmul(x, onnx.transpose(memory, [0, 2, 1]));
        const turned = onnx.rotaryInterleaved(x, constant([queries, half]), constant([queries, half]));
        return [
          y,
          z,
          turned,
          onnx.attention({ q: x, k: memory, v: memory, heads, mask: constant([batch, 1, 1, keys]) }),
        ];
      });
    }),
    { numRuns: 40 },
  );
});
