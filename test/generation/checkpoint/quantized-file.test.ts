import { mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  Checkpoint,
  CheckpointError,
  openQuantized,
  QUANTIZED_FILE,
  type QuantizedPart,
  writeQuantized,
} from "../../../lib/generation/checkpoint/index.ts";
import { Graph, openSession } from "../../../lib/generation/onnx/index.ts";
import { type HeaderEntry, safetensors, temporaryFolder } from "./safetensors-file.ts";

const root = temporaryFolder();
let folders = 0;

type Stored = "F32" | "F16" | "BF16";

/** Numbers from -2 to 2 in a row that repeats late, with zeros between them. */
function noise(index: number): number {
  const bits = Math.imul(index + 1, 2654435761) >>> 8;
  return bits % 17 === 0 ? 0 : (bits % 4001) / 1000 - 2;
}

function stored(values: Float32Array, dtype: Stored): Uint8Array {
  if (dtype === "F32") return new Uint8Array(values.buffer);
  const bits = new Uint32Array(values.buffer);
  // For float16 the same bits are other numbers of the usual sizes.
  return new Uint8Array(Uint16Array.from(bits, (value) => value >>> 16).buffer);
}

/** Writes a part with one weight, and other tensors that are not quantised. */
async function partOf(
  values: Float32Array,
  [out, width]: readonly [number, number],
  dtype: Stored = "F32",
): Promise<QuantizedPart> {
  const folder = join(root, `part-${folders++}`);
  mkdirSync(folder);
  const data = stored(values, dtype);
  const header: Record<string, HeaderEntry> = {
    bias: { dtype: "F32", shape: [2], data_offsets: [0, 8] },
    w: { dtype, shape: [out, width], data_offsets: [8, 8 + data.length] },
  };
  writeFileSync(
    join(folder, "model.safetensors"),
    safetensors(header, Buffer.concat([Buffer.alloc(8), data])),
  );
  return reopened(folder);
}

async function reopened(folder: string): Promise<QuantizedPart> {
  return { folder, className: "Some", config: { width: 1 }, weights: await Checkpoint.open(folder) };
}

/** Returns the integers and scales that onnxruntime folds the nodes of a graph to. */
async function folded({ weights }: QuantizedPart) {
  const graph = new Graph({ weights });
  const { values, scales } = graph.quantized(graph.weight("w", weights.info("w").shape));
  graph.output("values", values);
  graph.output("scales", scales);
  const session = await openSession(graph.build(), { weightsFolder: weights.root, threads: 1 });
  try {
    return await session.run({});
  } finally {
    await session.release();
  }
}

/** Reads the integers and scales of the file. */
async function written({ folder }: QuantizedPart) {
  const file = await Checkpoint.open(join(folder, QUANTIZED_FILE));
  const bytes = readFileSync(join(folder, QUANTIZED_FILE));
  const { offset, byteLength, shape } = file.info("w.values");
  return {
    shape,
    values: new Int8Array(
      bytes.buffer.slice(bytes.byteOffset + offset, bytes.byteOffset + offset + byteLength),
    ),
    scales: await file.read("w.scales"),
  };
}

const path = ({ folder }: QuantizedPart) => join(folder, QUANTIZED_FILE);

describe("weights that are written in 8-bit integers", () => {
  const shapes: [Stored, number, number][] = [
    ["F32", 3, 5],
    ["F32", 300, 70],
    ["BF16", 96, 130],
    ["F16", 31, 64],
    // More than one strip of columns, and more rows than a piece has.
    ["BF16", 2901, 2899],
  ];
  test.each(shapes)(
    "a weight in %s of %i by %i is, bit for bit, what onnxruntime folds",
    async (dtype, out, width) => {
      const part = await partOf(
        Float32Array.from({ length: out * width }, (_, i) => noise(i)),
        [out, width],
        dtype,
      );
      await writeQuantized({ part, names: ["w"] });
      const { values, scales } = await folded(part);
      const file = await written(part);
      expect(file.shape).toEqual([width, out]);
      expect(
        Buffer.compare(
          Buffer.from(file.values.buffer),
          Buffer.from((values!.data as Int8Array).slice().buffer),
        ),
      ).toBe(0);
      expect(file.scales).toEqual(scales!.data);
    },
  );

  test("values in the middle between two integers, channels of zeros and tiny weights are rounded like folded ones", async () => {
    // A scale of 1 makes halves exact.
    const halves = Float32Array.from([127, 0.5, 1.5, -0.5, -1.5, 2.5, -126.5, 126.5]);
    const tiny = halves.map((value) => value * 2 ** -120);
    const subnormal = Float32Array.from([1e-45, -1e-45, 0, 0, 0, 0, 0, 1e-44]);
    const part = await partOf(
      Float32Array.from([...halves, ...new Float32Array(8), ...tiny, ...subnormal]),
      [4, 8],
    );
    await writeQuantized({ part, names: ["w"] });
    const { values, scales } = await folded(part);
    const file = await written(part);
    expect(file.values).toEqual(values!.data);
    expect(file.scales).toEqual(scales!.data);
    const firstChannel = Array.from({ length: 8 }, (_, column) => file.values[4 * column]);
    expect(firstChannel).toEqual([127, 0, 2, 0, -2, 2, -126, 126]);
  });

  test("a weight that is not finite is named, and leaves no file", async () => {
    const part = await partOf(Float32Array.from([1, Number.NaN, 2, 3]), [2, 2]);
    await expect(writeQuantized({ part, names: ["w"] })).rejects.toThrow(
      `${join(part.folder, "model.safetensors")}: tensor w has values that are not finite`,
    );
    expect(() => statSync(path(part))).toThrow();
    expect(() => statSync(`${path(part)}.partial`)).toThrow();
  });

  test("a complete file is left alone, and one of other weights or half a file is written anew", async () => {
    const part = await partOf(Float32Array.from([1, 2, 3, 4]), [2, 2]);
    writeFileSync(`${path(part)}.partial`, "half a file");
    const seen: number[] = [];
    const onBytes = (count: number) => seen.push(count);
    const byteLength = await writeQuantized({ part, names: ["w"], onBytes });
    expect(byteLength).toBe(4 + 2 * 4);
    const first = statSync(path(part)).ino;
    await writeQuantized({ part, names: ["w"], onBytes });
    expect([statSync(path(part)).ino, seen]).toEqual([first, [16, 16]]);

    const weights = join(part.folder, "model.safetensors");
    const changed = readFileSync(weights);
    changed.writeFloatLE(9, changed.length - 4);
    writeFileSync(weights, changed);
    const other = await reopened(part.folder);
    await writeQuantized({ part: other, names: ["w"] });
    expect(statSync(path(part)).ino).not.toBe(first);
    expect((await written(other)).scales[1]).toBe(Math.fround(9 / 127));
  });

  test("the file is none of a folder's weights, whatever those are called", async () => {
    const part = await partOf(Float32Array.from([1, 2, 3, 4]), [2, 2]);
    await writeQuantized({ part, names: ["w"] });
    const own = join(root, `part-${folders++}`);
    mkdirSync(own);
    writeFileSync(join(own, "wan.safetensors"), readFileSync(join(part.folder, "model.safetensors")));
    writeFileSync(join(own, QUANTIZED_FILE), readFileSync(path(part)));
    expect((await Checkpoint.open(own)).names()).toEqual(["bias", "w"]);
  });
});

describe("a file of 8-bit integers that is opened", () => {
  async function whole(): Promise<QuantizedPart> {
    const part = await partOf(Float32Array.from([1, 2, 3, 4, 5, 6]), [2, 3]);
    await writeQuantized({ part, names: ["w"] });
    return part;
  }

  /** Rewrites the header of a file, and its data to the length that the header demands. */
  // biome-ignore lint/suspicious/noExplicitAny: a header that is spoilt on purpose
  function rewrite(part: QuantizedPart, change: (header: any) => void): void {
    const bytes = readFileSync(path(part));
    const length = Number(bytes.readBigUInt64LE());
    const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
    change(header);
    const { __metadata__, ...tensors } = header;
    const end = Math.max(
      ...Object.values(tensors as Record<string, HeaderEntry>).map((t) => t.data_offsets[1]!),
    );
    writeFileSync(path(part), safetensors(header, Buffer.alloc(end)));
  }

  test("the weights of the file are where it says, and others are not there", async () => {
    const part = await whole();
    const file = (await openQuantized(part))!;
    const { values, scales } = file.quantized("w")!;
    expect([values.dtype, values.shape, scales.dtype, scales.shape]).toEqual([
      "int8",
      [3, 2],
      "float32",
      [2],
    ]);
    expect(join(file.root, values.location)).toBe(path(part));
    expect(readFileSync(path(part)).readFloatLE(scales.offset)).toBe(Math.fround(3 / 127));
    expect(scales.offset % 4).toBe(0);
    expect(file.quantized("bias")).toBeUndefined();
  });

  test("no file is no fault", async () => {
    expect(await openQuantized(await partOf(Float32Array.of(1), [1, 1]))).toBeNull();
  });

  const faults: [what: string, reason: string, spoil: (part: QuantizedPart) => void][] = [
    [
      "truncated",
      "truncated, its tensors end at byte",
      (part) => truncateSync(path(part), statSync(path(part)).size - 1),
    ],
    ["empty", "not a safetensors file, it has 0 bytes", (part) => writeFileSync(path(part), "")],
    [
      "of an unknown version",
      'it has the version "2", and 1 is read',
      (part) => rewrite(part, (header) => Object.assign(header.__metadata__, { version: "2" })),
    ],
    [
      "of another program",
      "it is not a file of weights in 8-bit integers",
      (part) => rewrite(part, (header) => delete header.__metadata__),
    ],
    [
      "of other weights",
      "it was made from other weights or another configuration",
      (part) => rewrite(part, (header) => Object.assign(header.__metadata__, { identity: "0".repeat(64) })),
    ],
    [
      "without the scales of a weight",
      'tensor "w.scales" is missing',
      (part) =>
        rewrite(part, (header) => {
          delete header["w.scales"];
          header["w.values"].data_offsets = [0, 6];
        }),
    ],
    [
      "without a weight",
      "it has 1 of the 2 weights that it says",
      (part) => rewrite(part, (header) => Object.assign(header.__metadata__, { weights: "2" })),
    ],
    [
      "with a weight that is not transposed",
      'tensor "w.values" is I8 [2, 3] instead of I8 [3, 2]',
      (part) => rewrite(part, (header) => Object.assign(header["w.values"], { shape: [2, 3] })),
    ],
    [
      "with a weight of no name in the checkpoint",
      'tensor "x.scales" belongs to no weight',
      (part) =>
        rewrite(part, (header) => {
          header["x.scales"] = { dtype: "F32", shape: [2], data_offsets: [14, 22] };
        }),
    ],
  ];
  test.each(faults)(
    "a file that is %s is named, with the command that writes it again",
    async (_, reason, spoil) => {
      const part = await whole();
      spoil(part);
      const error = await openQuantized(part).catch((cause: unknown) => cause);
      expect(error).toBeInstanceOf(CheckpointError);
      const { message } = error as Error;
      expect(message.startsWith(`${path(part)}: ${reason}`)).toBe(true);
      expect(message.endsWith(`: write it again with npm run models -- convert ${root} --dtype int8`)).toBe(
        true,
      );
      expect(message).not.toContain("\n");
      await writeQuantized({ part, names: ["w"] });
      expect((await openQuantized(part))!.quantized("w")).toBeDefined();
    },
  );

  test("one changed value in the weights, or in their configuration, is noticed", async () => {
    const part = await whole();
    const weights = join(part.folder, "model.safetensors");
    const changed = readFileSync(weights);
    changed.writeFloatLE(7, changed.length - 12);
    writeFileSync(weights, changed);
    await expect(reopened(part.folder).then(openQuantized)).rejects.toThrow("it was made from other weights");
    const reconfigured = { ...(await whole()), config: { width: 2 } };
    await expect(openQuantized(reconfigured)).rejects.toThrow("it was made from other weights");
  });
});
