import { fork } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Checkpoint, convertModel, openModelFolder } from "../../../lib/generation/checkpoint/index.ts";
import { floatTensors, safetensors, temporaryFolder } from "./safetensors-file.ts";

const root = temporaryFolder();
let folders = 0;

interface Part {
  readonly className: string;
  readonly files: Record<string, Uint8Array | string>;
}

function modelOf(parts: Record<string, Part>): string {
  const folder = join(root, `model-${folders++}`);
  for (const [name, { files }] of Object.entries(parts)) {
    mkdirSync(join(folder, name), { recursive: true });
    for (const [file, content] of Object.entries(files)) writeFileSync(join(folder, name, file), content);
  }
  const index = Object.entries(parts).map(([name, { className }]) => [name, ["somewhere", className]]);
  writeFileSync(join(folder, "model_index.json"), JSON.stringify(Object.fromEntries(index)));
  return folder;
}

const out = () => join(root, `out-${folders++}`);
const transformer = (files: Part["files"]) => modelOf({ transformer: { className: "STDiT3", files } });

describe("a model converted to float16", () => {
  const folder = modelOf({
    transformer: {
      className: "STDiT3",
      files: {
        "model.safetensors": floatTensors({ b: [1, 65504], a: [-0.5, 1e-9] }),
        "config.json": '{"depth":1}',
      },
    },
    text_encoder: {
      className: "T5EncoderModel",
      files: { "model.safetensors": floatTensors({ wo: [1e6, 1] }), "config.json": "{}" },
    },
    vae: {
      className: "AutoencoderKL",
      files: { "diffusion_pytorch_model.safetensors": floatTensors({ x: [0.1] }), "config.json": "{}" },
    },
    tokenizer: {
      className: "T5Tokenizer",
      files: { "tokenizer.json": "{}", "spiece.model": "x", "evil.py": "x" },
    },
  });

  test("a converted model keeps its parts, its values and other files, but no code", async () => {
    const target = out();
    const parts = await convertModel({ folder, out: target, dtype: "float16" });
    expect(parts).toEqual([
      { name: "transformer", bytesBefore: 16, bytesAfter: 8 },
      { name: "text_encoder", bytesBefore: 8, bytesAfter: 4 },
      { name: "vae", bytesBefore: 4, bytesAfter: 4 },
    ]);
    const model = await openModelFolder(target);
    expect(model.part("transformer").config).toEqual({ depth: 1 });
    const weights = await model.part("transformer").checkpoint();
    expect(weights.info("a").dtype).toBe("F16");
    expect(await weights.read("b")).toEqual(Float32Array.of(1, 65504));
    expect(await weights.read("a")).toEqual(Float32Array.of(-0.5, 0));
    expect(readdirSync(join(target, "tokenizer")).sort()).toEqual(["spiece.model", "tokenizer.json"]);
  });

  test("T5 encoders stay in bfloat16, and decoders as they were", async () => {
    const target = out();
    await convertModel({ folder, out: target, dtype: "float16" });
    const dtypeOf = async (part: string, name: string) =>
      (await Checkpoint.open(join(target, part))).info(name).dtype;
    expect(await dtypeOf("text_encoder", "wo")).toBe("BF16");
    expect(await dtypeOf("vae", "x")).toBe("F32");
  });

  test("a conversion reports its progress in bytes of its tensors", async () => {
    const seen: number[] = [];
    await convertModel({
      folder,
      out: out(),
      dtype: "float16",
      onProgress: ({ doneBytes, totalBytes }) => seen.push(doneBytes / totalBytes),
    });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(1);
  });

  test("every tensor begins at a multiple of 8 bytes of the file", async () => {
    const target = out();
    await convertModel({ folder, out: target, dtype: "float16" });
    expect((await Checkpoint.open(join(target, "transformer"))).info("b").offset % 8).toBe(0);
  });
});

test("shards stay shards, and their index counts their new bytes", async () => {
  const shard = "model-00001-of-00001.safetensors";
  const folder = transformer({
    [shard]: floatTensors({ a: [1, 2] }),
    "model.safetensors.index.json": JSON.stringify({ metadata: { total_size: 8 }, weight_map: { a: shard } }),
  });
  const target = out();
  await convertModel({ folder, out: target, dtype: "bfloat16" });
  const index = JSON.parse(readFileSync(join(target, "transformer", "model.safetensors.index.json"), "utf8"));
  expect(index).toEqual({ metadata: { total_size: 4 }, weight_map: { a: shard } });
  expect(await (await Checkpoint.open(join(target, "transformer"))).read("a")).toEqual(Float32Array.of(1, 2));
});

test("tensors without a float type are copied", async () => {
  const header = { ids: { dtype: "I64", shape: [1], data_offsets: [0, 8] } };
  const folder = transformer({ "model.safetensors": safetensors(header, new Uint8Array(8).fill(7)) });
  const target = out();
  await convertModel({ folder, out: target, dtype: "float16" });
  const file = readFileSync(join(target, "transformer", "model.safetensors"));
  expect([...file.subarray(-8)]).toEqual(new Array(8).fill(7));
});

test("overflowing values are counted over all tensors and refused, and no model is left under the name", async () => {
  const folder = transformer({ "model.safetensors": floatTensors({ a: [1], b: [7e4, -7e4], c: [1e38] }) });
  const target = out();
  await expect(convertModel({ folder, out: target, dtype: "float16" })).rejects.toThrow(
    /model\.safetensors: 3 values are too large .*, first in tensor b: convert to bfloat16 instead$/,
  );
  expect(readdirSync(join(target, "transformer"))).toEqual([]);
  expect(existsSync(join(target, "model_index.json"))).toBe(false);
});

describe("run again", () => {
  const files = { "model.safetensors": floatTensors({ a: [1, 2] }) };

  test("a second conversion skips whole files, and repeats truncated ones", async () => {
    const folder = transformer(files);
    const target = out();
    await convertModel({ folder, out: target, dtype: "float16" });
    const file = join(target, "transformer", "model.safetensors");
    const { ino } = statSync(file);
    await convertModel({ folder, out: target, dtype: "float16" });
    expect(statSync(file).ino).toBe(ino);
    truncateSync(file, 20);
    await convertModel({ folder, out: target, dtype: "float16" });
    expect(await (await Checkpoint.open(file)).read("a")).toEqual(Float32Array.of(1, 2));
  });

  test("a second conversion repeats files made of other weights, or in another type", async () => {
    const folder = transformer(files);
    const target = out();
    await convertModel({ folder, out: target, dtype: "float16" });
    const source = join(folder, "transformer", "model.safetensors");
    writeFileSync(source, floatTensors({ a: [3, 4] }));
    utimesSync(source, new Date(), new Date(Date.now() + 1000));
    await convertModel({ folder, out: target, dtype: "float16" });
    const converted = join(target, "transformer", "model.safetensors");
    expect(await (await Checkpoint.open(converted)).read("a")).toEqual(Float32Array.of(3, 4));
    await convertModel({ folder, out: target, dtype: "bfloat16" });
    expect((await Checkpoint.open(converted)).info("a").dtype).toBe("BF16");
  });
});

describe("it is refused", () => {
  test("a conversion onto the model itself is refused", async () => {
    const folder = transformer({ "model.safetensors": floatTensors({ a: [1] }) });
    await expect(convertModel({ folder, out: folder, dtype: "float16" })).rejects.toThrow(
      "must go into a different folder",
    );
  });

  test("a conversion of a truncated shard is refused", async () => {
    const folder = transformer({ "model.safetensors": floatTensors({ a: [1, 2] }).subarray(0, -4) });
    await expect(convertModel({ folder, out: out(), dtype: "float16" })).rejects.toThrow("truncated");
  });
});

test("768 MiB of weights are converted in less than 256 MiB of memory", async () => {
  const elements = 192 * 2 ** 20;
  const header = { w: { dtype: "F32", shape: [elements], data_offsets: [0, 4 * elements] } };
  const folder = transformer({});
  const file = join(folder, "transformer", "model.safetensors");
  const bytes = safetensors(header);
  writeFileSync(file, bytes);
  truncateSync(file, bytes.length + 4 * elements);
  const child = fork(new URL("./convert-child.ts", import.meta.url), [folder, out()], {
    execArgv: ["--import", import.meta.resolve("tsx")],
  });
  const [peakMiB] = (await once(child, "message")) as [number];
  expect(peakMiB).toBeGreaterThan(0);
  expect(peakMiB).toBeLessThan(256);
});
