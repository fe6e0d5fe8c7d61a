import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { afterAll, describe, expect, test } from "vitest";
import {
  add,
  type DType,
  Graph,
  gather,
  linear,
  matmul,
  openSession,
  type Tensor,
  transpose,
  type WeightSource,
} from "../../../lib/generation/onnx/index.ts";
import { ModelProtoSchema } from "./generated/onnx_pb.js";
import { tensor } from "./run-graph.ts";

const folder = mkdtempSync(join(tmpdir(), "adareel-late-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Stored values whose two upper bytes are 0.5 to 2 with either sign in bfloat16, and normal numbers in float16. */
const stored = Uint16Array.from({ length: 2 ** 14 }, (_, i) => {
  const noise = Math.imul(i + 1, 2654435761) >>> 16;
  return ((noise & 1) << 15) | 0x3f00 | (noise & 0xff);
});
const bfloat16AsFloat32 = new Float32Array(Uint32Array.from(stored, (bits) => bits << 16).buffer);
writeFileSync(join(folder, "16.bin"), new Uint8Array(stored.buffer));
writeFileSync(join(folder, "32.bin"), new Uint8Array(bfloat16AsFloat32.buffer));

/** Weights that all begin at the first byte of a file. */
function weightsOf(dtype: DType): WeightSource {
  const [location, width] = dtype === "float32" ? ["32.bin", 4] : ["16.bin", 2];
  return {
    tensor: (_, shape) => ({
      dtype,
      shape,
      location,
      offset: 0,
      byteLength: width * shape.reduce((product, size) => product * size, 1),
    }),
  };
}

const [WIDTH, OUT] = [96, 128];

/** Returns a graph of all uses of weights: products, a bias, an embedding and a transposed table. */
function graphOf(dtype: DType, mappedBytesMin: number): Graph {
  const g = new Graph({ weights: weightsOf(dtype), mappedBytesMin });
  const ids = g.input("ids", "int64", [3]);
  const x = add(gather(g.weight("embedding", [64, WIDTH]), ids), g.input("x", "float32", [3, WIDTH]));
  const up = linear(x, g.weight("up.weight", [OUT, WIDTH]), g.weight("up.bias", [OUT]));
  const gate = linear(x, g.weight("gate.weight", [OUT, WIDTH]));
  const down = linear(add(up, gate), g.weight("down.weight", [WIDTH, OUT]));
  const table = transpose(g.weight("table", [WIDTH, WIDTH]), [1, 0]);
  g.output("y", add(matmul(down, table), matmul(down, g.weight("square", [WIDTH, WIDTH]))));
  return g;
}

async function run(graph: Graph, mappedBytesMin: number, x: Tensor): Promise<Uint8Array> {
  const { weightBytes } = graph;
  const options = { weightsFolder: folder, weightBytes, mappedBytesMin, threads: 1 };
  const session = await openSession(graph.build(), options);
  const ids: Tensor = { dtype: "int64", shape: [3], data: BigInt64Array.of(5n, 0n, 63n) };
  const { y } = await session.run({ x, ids });
  await session.release();
  const { buffer, byteOffset, byteLength } = y!.data;
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** Returns weights in 8-bit integers, the lower bytes of the same file, with scales of a power of two. */
function integersOf(): WeightSource {
  const scale = 2 ** -9;
  writeFileSync(join(folder, "scales.bin"), new Uint8Array(new Float32Array(OUT).fill(scale).buffer));
  return {
    ...weightsOf("float32"),
    quantized: (name) => {
      const [out, width] = name === "down.weight" ? [WIDTH, OUT] : [OUT, WIDTH];
      return {
        values: {
          dtype: "int8",
          shape: [width, out],
          location: "16.bin",
          offset: 0,
          byteLength: width * out,
        },
        scales: { dtype: "float32", shape: [out], location: "scales.bin", offset: 0, byteLength: 4 * out },
      };
    },
  };
}

/** Returns a graph of two products, with weights in 8-bit integers or with the same numbers in float32. */
function integerGraph(mappedBytesMin: number, readsIntegers = true): Graph {
  const g = new Graph({ weights: integersOf(), mappedBytesMin, readsIntegers });
  const x = g.input("x", "float32", [3, WIDTH]);
  const weight = (name: string, out: number, width: number) => {
    if (readsIntegers) return g.weight(name, [out, width]);
    const values = new Int8Array(stored.buffer, 0, out * width);
    const dequantised = Float32Array.from(values, (value) => value * 2 ** -9);
    return transpose(g.constant(dequantised, [width, out]), [1, 0]);
  };
  const up = linear(x, weight("up.weight", OUT, WIDTH), g.weight("up.bias", [OUT]));
  g.output("y", linear(up, weight("down.weight", WIDTH, OUT)));
  return g;
}

const COPIED = Number.POSITIVE_INFINITY;
const MAPPED = 0;

describe("16-bit weights that are cast late", () => {
  test.each(["bfloat16", "float16"] as const)(
    "%s weights give the same bits, cast late or copied when the session opens",
    async (dtype) => {
      const x = tensor([3, WIDTH], 1);
      const [copied, late] = [graphOf(dtype, COPIED), graphOf(dtype, MAPPED)];
      expect(await run(late, MAPPED, x)).toEqual(await run(copied, COPIED, x));
    },
  );

  test("bfloat16 weights cast late give the bits of the same weights stored in float32", async () => {
    const x = tensor([3, WIDTH], 2);
    const [late, float32] = [graphOf("bfloat16", MAPPED), graphOf("float32", MAPPED)];
    expect(await run(late, MAPPED, x)).toEqual(await run(float32, MAPPED, x));
  });

  test("numbers that are not finite do not change which weights are used", async () => {
    const x = tensor([3, WIDTH], 3);
    (x.data as Float32Array)[0] = Number.NaN;
    (x.data as Float32Array)[WIDTH] = Number.POSITIVE_INFINITY;
    const [late, copied] = [graphOf("bfloat16", MAPPED), graphOf("bfloat16", COPIED)];
    const numbers = (bytes: Uint8Array) => Array.from(new Float32Array(bytes.slice().buffer));
    expect(numbers(await run(late, MAPPED, x))).toEqual(numbers(await run(copied, COPIED, x)));
  });

  test("a late cast comes right before its product, and depends on the product's other operand", () => {
    const { node } = fromBinary(ModelProtoSchema, graphOf("bfloat16", MAPPED).build()).graph!;
    const names = node.map(({ name }) => name);
    for (const weight of ["up.weight", "gate.weight", "down.weight", "square"]) {
      const product = node.findIndex(({ input }) => input.includes(`${weight}/float32`));
      const [operand] = node[product]!.input;
      expect(names.slice(product - 3, product)).toEqual([
        `${weight}/shape`,
        `${weight}/view`,
        `${weight}/float32`,
      ]);
      expect(node[product - 3]!.input[1]).toBe(`${operand}/zero`);
    }
    // Biases, and weights that another operator reads first, are copied when the session opens.
    const early = node.filter(
      ({ opType, input }) => opType === "Cast" && ["up.bias", "table"].includes(input[0]!),
    );
    expect(early).toHaveLength(2);
  });

  test("a graph that holds copies casts none late, and its session maps no 16-bit weights", () => {
    const g = new Graph({ weights: weightsOf("bfloat16"), mappedBytesMin: MAPPED, holdsCopies: true });
    g.output("y", linear(g.input("x", "float32", [3, WIDTH]), g.weight("w", [OUT, WIDTH])));
    const { node } = fromBinary(ModelProtoSchema, g.build()).graph!;
    expect(node.find(({ opType }) => opType === "Cast")!.input).toEqual(["w"]);
    expect([g.weightBytes, g.heldWeightBytes]).toEqual([0, 4 * OUT * WIDTH]);
  });

  test("an embedding has no float32 copy: its rows are cast", () => {
    const { node } = fromBinary(ModelProtoSchema, graphOf("bfloat16", COPIED).build()).graph!;
    expect(node.find(({ opType }) => opType === "Gather")!.input[0]).toBe("embedding");
  });
});

describe("weights in 8-bit integers of products that are not quantised", () => {
  test("integers cast late and when the session opens give the same bits, those of the dequantised weights but for rounding", async () => {
    const x = tensor([3, WIDTH], 4);
    const late = await run(integerGraph(MAPPED), MAPPED, x);
    expect(late).toEqual(await run(integerGraph(COPIED), COPIED, x));
    const [actual, exact] = [late, await run(integerGraph(COPIED, false), COPIED, x)].map((bytes) =>
      Array.from(new Float32Array(bytes.slice().buffer)),
    );
    const largest = Math.max(...exact!.map(Math.abs));
    for (const [i, value] of exact!.entries())
      expect(Math.abs(actual![i]! - value)).toBeLessThan(1e-5 * largest);
  });

  test("a late cast of integers depends on the product's other operand, and no float32 weight is read", () => {
    const { node, initializer } = fromBinary(ModelProtoSchema, integerGraph(MAPPED).build()).graph!;
    const cast = node.filter(({ opType, input }) => opType === "Cast" && input[0]!.endsWith("/values/view"));
    expect(cast).toHaveLength(2);
    expect(node.find(({ name }) => name === "up.weight/values/shape")!.input[1]).toBe("x/zero");
    expect(initializer.map(({ name }) => name)).not.toContain("up.weight");
  });

  test("a session that casts late holds 8 bits of each weight and maps them, and one that copies 32", () => {
    const [late, copied] = [integerGraph(MAPPED), integerGraph(COPIED)];
    const [weights, others] = [2 * OUT * WIDTH, 4 * (OUT + OUT + WIDTH)];
    expect([late.heldWeightBytes, copied.heldWeightBytes]).toEqual([weights + others, 4 * weights + others]);
    expect(late.weightBytes).toBe(4 * weights + others);
  });

  test("a graph that reads no integers computes with the float32 weights", () => {
    const g = new Graph({ weights: integersOf() });
    g.output("y", linear(g.input("x", "float32", [3, WIDTH]), g.weight("up.weight", [OUT, WIDTH])));
    expect(g.heldWeightBytes).toBe(4 * OUT * WIDTH);
  });
});

describe("the bytes of weights that a session holds", () => {
  const products = OUT * WIDTH * 3 + WIDTH * WIDTH;
  const [embedding, others] = [64 * WIDTH, OUT + WIDTH * WIDTH];

  test("a session that casts late holds 16 bits of each weight of a product", () => {
    const { heldWeightBytes, weightBytes } = graphOf("bfloat16", MAPPED);
    expect(heldWeightBytes).toBe(2 * (products + embedding) + 4 * others);
    expect(weightBytes).toBe(4 * products);
  });

  test("a session that copies holds 32 bits of each weight but those of an embedding", () => {
    expect(graphOf("bfloat16", COPIED).heldWeightBytes).toBe(4 * (products + others) + 2 * embedding);
  });

  test("a session over float32 weights holds what is stored, and maps all but a weight that it transposes", () => {
    const { heldWeightBytes, weightBytes } = graphOf("float32", MAPPED);
    expect(heldWeightBytes).toBe(4 * (products + embedding + others));
    expect(weightBytes).toBe(heldWeightBytes - 4 * WIDTH * WIDTH);
  });

  test("a float16 product over float32 weights holds 16 bits of them", () => {
    const g = new Graph({ weights: weightsOf("float32") });
    const x = g.input("x", "float32", [3, WIDTH]);
    g.output(
      "y",
      g.inPrecision("float16", () => linear(x, g.weight("w", [OUT, WIDTH]))),
    );
    expect(g.heldWeightBytes).toBe(2 * OUT * WIDTH);
  });
});
