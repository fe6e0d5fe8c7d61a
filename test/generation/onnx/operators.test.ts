import { describe, expect, test } from "vitest";
import type { Provider, Tensor } from "../../../lib/generation/onnx/index.ts";
import * as onnx from "../../../lib/generation/onnx/index.ts";
import * as reference from "./reference.ts";
import { at, sum, tabulate } from "./reference.ts";
import { boolTensor, expectClose, int64Tensor, runGraph, size, tensor } from "./run-graph.ts";

describe("elementwise", () => {
  test("binary operators broadcast as numpy does", async () => {
    const feeds = { a: tensor([3, 1, 4], 1), b: tensor([2, 1], 2) };
    const { outputs } = await runGraph(feeds, ({ a, b }) => [
      onnx.add(a, b),
      onnx.sub(a, b),
      onnx.mul(a, b),
      onnx.div(a, b),
    ]);
    const apply = (f: (a: number, b: number) => number) =>
      tabulate([3, 2, 4], (index) => f(at(feeds.a, index), at(feeds.b, index)));
    expectClose(
      outputs[0]!,
      apply((a, b) => a + b),
    );
    expectClose(
      outputs[1]!,
      apply((a, b) => a - b),
    );
    expectClose(
      outputs[2]!,
      apply((a, b) => a * b),
    );
    expectClose(
      outputs[3]!,
      apply((a, b) => a / b),
    );
  });

  test("a number stands for a scalar on either side", async () => {
    const x = tensor([5]);
    const { outputs } = await runGraph({ x }, ({ x }) => [onnx.sub(1, x), onnx.mul(x, 3)]);
    expectClose(
      outputs[0]!,
      tabulate([5], (index) => 1 - at(x, index)),
    );
    expectClose(
      outputs[1]!,
      tabulate([5], (index) => 3 * at(x, index)),
    );
  });

  const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));
  const tanhGelu = (x: number) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  test.each<[string, (x: onnx.Value) => onnx.Value, (x: number) => number]>([
    ["neg", onnx.neg, (x) => -x],
    ["abs", onnx.abs, Math.abs],
    ["exp", onnx.exp, Math.exp],
    ["tanh", onnx.tanh, Math.tanh],
    ["sigmoid", onnx.sigmoid, sigmoid],
    ["silu", onnx.silu, (x) => x * sigmoid(x)],
    ["gelu with tanh", (x) => onnx.gelu(x, "tanh"), tanhGelu],
    ["gelu with erf", (x) => onnx.gelu(x, "none"), (x) => 0.5 * x * (1 + reference.erf(x / Math.SQRT2))],
    ["sqrt of the square", (x) => onnx.sqrt(onnx.mul(x, x)), Math.abs],
  ])("the operator %s equals plain arithmetic", async (_, operator, expected) => {
    const x = tensor([4, 33]);
    const wide = { ...x, data: x.data.map((value) => value * 4) };
    const { outputs } = await runGraph({ x: wide }, ({ x }) => operator(x));
    expectClose(outputs[0]!, Array.from(wide.data, expected));
  });

  test("a sinusoid has cosines and then sines along the last axis", async () => {
    const x = tensor([2, 3]);
    const { outputs } = await runGraph({ x }, ({ x }) => onnx.sinusoid(x));
    const expected = tabulate([2, 6], ([row, i]) => {
      return i! < 3 ? Math.cos(at(x, [row!, i!])) : Math.sin(at(x, [row!, i! - 3]));
    });
    expectClose(outputs[0]!, expected);
  });

  test("softmax sums to one along its axis", async () => {
    const x = tensor([3, 4, 2]);
    const { outputs } = await runGraph({ x }, ({ x }) => onnx.softmax(x, 1));
    const expected = tabulate(x.shape, ([i, j, k]) => {
      return Math.exp(at(x, [i!, j!, k!])) / sum(4, (axis) => Math.exp(at(x, [i!, axis, k!])));
    });
    expectClose(outputs[0]!, expected);
  });

  test("less compares, and is false for NaN", async () => {
    const x = { dtype: "float32", shape: [3], data: Float32Array.of(1, 2, Number.NaN) } as const;
    const { outputs } = await runGraph({ x }, ({ x }) => [onnx.less(x, 2), onnx.less(x, x)]);
    expect(outputs.map(({ dtype, data }) => [dtype, ...data])).toEqual([
      ["bool", 1, 0, 0],
      ["bool", 0, 0, 0],
    ]);
  });

  test("the operator where chooses by a broadcast condition, and cast makes one from integers", async () => {
    const feeds = { keep: int64Tensor([3, 1], [1, 0, 2]), x: tensor([3, 2]) };
    const { outputs } = await runGraph(feeds, ({ keep, x }) => onnx.where(onnx.cast(keep, "bool"), x, -7));
    expectClose(
      outputs[0]!,
      tabulate([3, 2], (index) => (index[0] === 1 ? -7 : at(feeds.x, index))),
    );
  });
});

describe("layout", () => {
  const x = tensor([2, 3, 4]);

  test("reshape keeps row-major order", async () => {
    const { outputs } = await runGraph({ x }, ({ x }) => onnx.reshape(x, [4, -1]));
    expect(outputs[0]).toEqual({ dtype: "float32", shape: [4, 6], data: x.data });
  });

  test("transpose moves axes", async () => {
    const { outputs } = await runGraph({ x }, ({ x }) => onnx.transpose(x, [2, 0, 1]));
    expectClose(
      outputs[0]!,
      tabulate([4, 2, 3], ([i, j, k]) => at(x, [j!, k!, i!])),
      0,
    );
  });

  test("concat undoes split, by sizes or into equal parts", async () => {
    const { outputs } = await runGraph({ x }, ({ x }) => {
      const [a, b] = onnx.split(x, -1, [1, 3]) as [onnx.Value, onnx.Value];
      const [c, d, e] = onnx.split(x, 1, 3) as [onnx.Value, onnx.Value, onnx.Value];
      return [a, onnx.concat([a, b], -1), onnx.concat([c, d, e], 1)];
    });
    expectClose(
      outputs[0]!,
      tabulate([2, 3, 1], (index) => at(x, index)),
      0,
    );
    expect(outputs[1]!.data).toEqual(x.data);
    expect(outputs[2]!.data).toEqual(x.data);
  });

  test("slice counts negative bounds from the end", async () => {
    const { outputs } = await runGraph({ x }, ({ x }) => [onnx.slice(x, 2, 1, -1), onnx.slice(x, 1, -2, 3)]);
    expectClose(
      outputs[0]!,
      tabulate([2, 3, 2], ([i, j, k]) => at(x, [i!, j!, k! + 1])),
      0,
    );
    expectClose(
      outputs[1]!,
      tabulate([2, 2, 4], ([i, j, k]) => at(x, [i!, j! + 1, k!])),
      0,
    );
  });

  test("gather picks along an axis other than the first", async () => {
    const feeds = { table: tensor([3, 5]), ids: int64Tensor([2, 2], [4, 0, 0, 2]) };
    const { outputs } = await runGraph(feeds, ({ table, ids }) => onnx.gather(table, ids, 1));
    expectClose(
      outputs[0]!,
      tabulate([3, 2, 2], ([i, j, k]) => at(feeds.table, [i!, at(feeds.ids, [j!, k!])])),
      0,
    );
  });

  test("gather looks rows up", async () => {
    const feeds = { table: tensor([5, 3]), ids: int64Tensor([2, 2], [4, 0, 0, 2]) };
    const { outputs } = await runGraph(feeds, ({ table, ids }) => onnx.gather(table, ids));
    expectClose(
      outputs[0]!,
      tabulate([2, 2, 3], ([i, j, k]) => at(feeds.table, [at(feeds.ids, [i!, j!]), k!])),
      0,
    );
  });

  test("pad surrounds with a constant", async () => {
    const { outputs } = await runGraph({ x }, ({ x }) =>
      onnx.pad(
        x,
        [
          [0, 0],
          [1, 0],
          [0, 2],
        ],
        9,
      ),
    );
    const inside = ([, j, k]: number[]) => j! >= 1 && k! < 4;
    const expected = tabulate([2, 4, 6], (index) =>
      inside(index) ? at(x, [index[0]!, index[1]! - 1, index[2]!]) : 9,
    );
    expectClose(outputs[0]!, expected, 0);
  });

  test("expand repeats axes of size one", async () => {
    const row = tensor([1, 3, 1]);
    const { outputs } = await runGraph({ row }, ({ row }) => onnx.expand(row, [2, 2, 3, 4]));
    expectClose(
      outputs[0]!,
      tabulate([2, 2, 3, 4], (index) => at(row, index)),
      0,
    );
  });
});

describe("linear algebra", () => {
  test("linear multiplies by the weight as torch stores it", async () => {
    const feeds = { x: tensor([2, 3, 5], 1), weight: tensor([4, 5], 2), bias: tensor([4], 3) };
    const { outputs } = await runGraph(feeds, ({ x, weight, bias }) => [
      onnx.linear(x, weight, bias),
      onnx.linear(x, weight),
    ]);
    const product = ([i, j, out]: number[]) =>
      sum(5, (k) => at(feeds.x, [i!, j!, k]) * at(feeds.weight, [out!, k]));
    expectClose(
      outputs[0]!,
      tabulate([2, 3, 4], (index) => product(index) + at(feeds.bias, [index[2]!])),
    );
    expectClose(outputs[1]!, tabulate([2, 3, 4], product));
  });

  test("matmul broadcasts the axes before the last two", async () => {
    const feeds = { a: tensor([2, 1, 3, 5], 1), b: tensor([4, 5, 2], 2) };
    const { outputs } = await runGraph(feeds, ({ a, b }) => onnx.matmul(a, b));
    const expected = tabulate([2, 4, 3, 2], ([i, j, row, column]) =>
      sum(5, (k) => at(feeds.a, [i!, j!, row!, k]) * at(feeds.b, [j!, k, column!])),
    );
    expectClose(outputs[0]!, expected);
  });
});

describe("reduction", () => {
  test("reduceSum, reduceMean and sumAbs equal plain sums", async () => {
    const x = tensor([3, 4, 5]);
    const { outputs } = await runGraph({ x }, ({ x }) => [
      onnx.reduceSum(x, { axes: [0, -1], keepDims: true }),
      onnx.reduceMean(x, { axes: [1] }),
      onnx.sumAbs(x),
    ]);
    const along = (j: number) => sum(3, (i) => sum(5, (k) => at(x, [i, j, k])));
    expectClose(
      outputs[0]!,
      tabulate([1, 4, 1], ([, j]) => along(j!)),
    );
    expectClose(
      outputs[1]!,
      tabulate([3, 5], ([i, k]) => sum(4, (j) => at(x, [i!, j, k!])) / 4),
    );
    expect(outputs[2]!.shape).toEqual([]);
    expectClose(outputs[2]!, [sum(60, (index) => Math.abs(x.data[index]!))]);
  });
});

test("reduceL2 is the root of the sum of squares", async () => {
  const x = tensor([3, 4, 5]);
  const { outputs } = await runGraph({ x }, ({ x }) => onnx.reduceL2(x, { axes: [1], keepDims: true }));
  const norm = (i: number, k: number) => Math.sqrt(sum(4, (j) => at(x, [i, j, k]) ** 2));
  expectClose(
    outputs[0]!,
    tabulate([3, 1, 5], ([i, , k]) => norm(i!, k!)),
  );
});

describe("convolution", () => {
  const cases = [
    { stride: 1, pads: 1, dilation: 1, groups: 1 },
    { stride: 2, pads: 0, dilation: 1, groups: 2 },
    { stride: 1, pads: 2, dilation: 2, groups: 1 },
  ];

  test.each(cases)("conv2d equals plain arithmetic, $stride $pads $dilation $groups", async (options) => {
    const feeds = {
      x: tensor([2, 4, 7, 6], 1),
      weight: tensor([6, 4 / options.groups, 3, 3], 2),
      bias: tensor([6], 3),
    };
    const { outputs, built } = await runGraph(feeds, ({ x, weight, bias }) =>
      onnx.conv2d(x, weight, bias, options),
    );
    expectClose(
      outputs[0]!,
      reference.convolution(feeds.x, feeds.weight, feeds.bias, built[0]!.shape, options),
    );
  });

  test.each(cases)("conv3d equals plain arithmetic, $stride $pads $dilation $groups", async (options) => {
    const feeds = {
      x: tensor([1, 4, 5, 5, 6], 1),
      weight: tensor([4, 4 / options.groups, 3, 3, 3], 2),
      bias: tensor([4], 3),
    };
    const { outputs, built } = await runGraph(feeds, ({ x, weight, bias }) =>
      onnx.conv3d(x, weight, bias, options),
    );
    expectClose(
      outputs[0]!,
      reference.convolution(feeds.x, feeds.weight, feeds.bias, built[0]!.shape, options),
    );
  });

  test("upsampleNearest2x repeats every pixel", async () => {
    const x = tensor([2, 3, 4, 5]);
    const { outputs } = await runGraph({ x }, ({ x }) => onnx.upsampleNearest2x(x));
    const expected = tabulate([2, 3, 8, 10], ([b, c, h, w]) => at(x, [b!, c!, h! >> 1, w! >> 1]));
    expectClose(outputs[0]!, expected, 0);
  });
});

// A graph lowered for WebGPU is run on the CPU here, which proves the arithmetic of the lowering and not WebGPU's
// kernels.
describe.each<Provider>(["cpu", "webgpu"])("lowered for %s", (provider) => {
  test("layerNorm equals plain arithmetic, with and without weight and bias", async () => {
    const feeds = { x: tensor([2, 3, 8], 1), weight: tensor([8], 2), bias: tensor([8], 3) };
    const { outputs } = await runGraph(
      feeds,
      ({ x, weight, bias }) => [
        onnx.layerNorm(x, { eps: 1e-6 }),
        onnx.layerNorm(x, { eps: 1e-6, weight, bias }),
      ],
      provider,
    );
    const normal = ([i, j, k]: number[]) => {
      const mean = sum(8, (c) => at(feeds.x, [i!, j!, c])) / 8;
      const variance = sum(8, (c) => (at(feeds.x, [i!, j!, c]) - mean) ** 2) / 8;
      return (at(feeds.x, [i!, j!, k!]) - mean) / Math.sqrt(variance + 1e-6);
    };
    const affine = (index: number[]) =>
      normal(index) * at(feeds.weight, [index[2]!]) + at(feeds.bias, [index[2]!]);
    expectClose(outputs[0]!, tabulate([2, 3, 8], normal));
    expectClose(outputs[1]!, tabulate([2, 3, 8], affine));
  });

  test("rmsNorm equals plain arithmetic", async () => {
    const feeds = { x: tensor([2, 3, 8], 1), weight: tensor([8], 2) };
    const { outputs } = await runGraph(
      feeds,
      ({ x, weight }) => onnx.rmsNorm(x, weight, { eps: 1e-6 }),
      provider,
    );
    const expected = tabulate([2, 3, 8], ([i, j, k]) => {
      const meanSquare = sum(8, (c) => at(feeds.x, [i!, j!, c]) ** 2) / 8;
      return (at(feeds.x, [i!, j!, k!]) / Math.sqrt(meanSquare + 1e-6)) * at(feeds.weight, [k!]);
    });
    expectClose(outputs[0]!, expected);
  });

  test.each([[[2, 8, 5, 3]], [[2, 8, 3, 5, 3]], [[1, 8, 7]]])(
    "groupNorm of %j equals plain arithmetic",
    async (shape) => {
      const feeds = { x: tensor(shape, 1), weight: tensor([8], 2), bias: tensor([8], 3) };
      const { outputs } = await runGraph(
        feeds,
        ({ x, weight, bias }) => onnx.groupNorm(x, 4, weight, bias, 1e-6),
        provider,
      );
      expectClose(outputs[0]!, reference.groupNorm(feeds.x, 4, feeds.weight, feeds.bias, 1e-6));
    },
  );

  test.each([[[2, 5, 12]], [[2, 3, 5, 4]]])(
    "rotaryInterleaved of %j turns neighbouring channels",
    async (shape) => {
      const feeds = { x: tensor(shape, 1), cos: tensor([5, 2], 2), sin: tensor([5, 2], 3) };
      const { outputs } = await runGraph(
        feeds,
        ({ x, cos, sin }) => onnx.rotaryInterleaved(x, cos, sin),
        provider,
      );
      const expected = tabulate(shape, (index) => {
        const channel = index.at(-1)!;
        const position = index.at(shape.length === 3 ? 1 : 2)!;
        const [cos, sin] = [feeds.cos, feeds.sin].map((table) => at(table, [position, (channel % 4) >> 1]));
        const partner = at(feeds.x, index.with(-1, channel ^ 1));
        return at(feeds.x, index) * cos! + (channel % 2 === 0 ? -partner : partner) * sin!;
      });
      expectClose(outputs[0]!, expected);
    },
  );

  const [batch, heads, queries, keys] = [3, 2, 5, 7];
  const q = tensor([batch, queries, 8], 1);
  const k = tensor([batch, keys, 8], 2);
  const v = tensor([batch, keys, 8], 3);

  test("attention scales by the root of the head's width unless told otherwise", async () => {
    const { outputs } = await runGraph(
      { q, k, v },
      ({ q, k, v }) => [onnx.attention({ q, k, v, heads }), onnx.attention({ q, k, v, heads, scale: 1 })],
      provider,
    );
    expectClose(outputs[0]!, reference.attention(q, k, v, heads, 0.5));
    expectClose(outputs[1]!, reference.attention(q, k, v, heads, 1));
  });

  const maskShapes = [
    [batch, heads, queries, keys],
    [1, heads, queries, keys],
    [batch, 1, queries, keys],
    [batch, 1, 1, keys],
    [1, 1, 1, keys],
    [heads, queries, keys],
    [queries, keys],
    [1, keys],
    [keys],
  ];
  test.each(maskShapes.map((shape) => [shape]))("attention adds a float mask of %j", async (shape) => {
    const mask = tensor(shape, 4);
    const { outputs } = await runGraph(
      { q, k, v, mask },
      (inputs) => onnx.attention({ ...inputs, heads }),
      provider,
    );
    expectClose(outputs[0]!, reference.attention(q, k, v, heads, 0.5, mask));
  });

  test.each(maskShapes.map((shape) => [shape]))(
    "attention keeps what a bool mask of %j marks",
    async (shape) => {
      const mask = boolTensor(
        shape,
        Array.from({ length: size(shape) }, (_, index) => (index * 5) % 7 < 4),
      );
      const { outputs } = await runGraph(
        { q, k, v, mask },
        (inputs) => onnx.attention({ ...inputs, heads }),
        provider,
      );
      expectClose(outputs[0]!, reference.attention(q, k, v, heads, 0.5, mask));
    },
  );
});

describe("long attention on the CPU", () => {
  const longMask = tensor([1, 3000, 400], 4);
  test.each([
    ["without a mask", 600, 500, 2, undefined],
    ["with a mask of the keys, over some of the queries at a time", 3000, 400, 16, tensor([400], 4)],
    ["with a mask of every score, over some of the queries at a time", 3000, 400, 16, longMask],
  ])("attention in parts equals unfused attention %s", async (_name, queries, keys, heads, mask) => {
    const q = tensor([1, queries, 4 * heads], 1);
    const k = tensor([1, keys, 4 * heads], 2);
    const v = tensor([1, keys, 4 * heads], 3);
    const feeds: Record<string, Tensor> = { q, k, v, ...(mask && { mask }) };
    const build = ({ q, k, v, mask }: Record<string, onnx.Value>) =>
      onnx.attention({ q: q!, k: k!, v: v!, heads, ...(mask && { mask }) });
    const { outputs } = await runGraph(feeds, build);
    const spelt = await runGraph(feeds, build, "webgpu");
    expectClose(outputs[0]!, spelt.outputs[0]!.data as Float32Array);
  });
});
