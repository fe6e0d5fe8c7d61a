import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Checkpoint, CheckpointError } from "../../../lib/generation/checkpoint/index.ts";
import { Graph, linear, openSession } from "../../../lib/generation/onnx/index.ts";
import { floatTensors, safetensors, temporaryFolder } from "./safetensors-file.ts";

const root = temporaryFolder();
let folders = 0;

function folderOf(files: Record<string, Uint8Array | string>): string {
  const folder = join(root, `case-${folders++}`);
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

const sharded = (weightMap: unknown) =>
  JSON.stringify({ metadata: { total_size: 16 }, weight_map: weightMap });

describe("weights are found", () => {
  test.each(["diffusion_pytorch_model.safetensors", "model.safetensors", "custom.safetensors"])(
    "weights are found in %s",
    async (name) => {
      const folder = folderOf({ [name]: floatTensors({ a: [1, 2] }), "config.json": "{}" });
      const checkpoint = await Checkpoint.open(folder);
      expect(checkpoint.names()).toEqual(["a"]);
      expect(checkpoint.tensor("a", [2]).location).toBe(name);
    },
  );

  test("weights are found in a file named directly", async () => {
    const folder = folderOf({
      "x.safetensors": floatTensors({ a: [1] }),
      "y.safetensors": floatTensors({ b: [1] }),
    });
    expect((await Checkpoint.open(join(folder, "y.safetensors"))).names()).toEqual(["b"]);
  });

  test("weights are found in shards, of which each is read once", async () => {
    const folder = folderOf({
      "model-00001-of-00002.safetensors": floatTensors({ a: [1], b: [2, 3] }),
      "model-00002-of-00002.safetensors": floatTensors({ c: [4] }),
      "model.safetensors.index.json": sharded({
        c: "model-00002-of-00002.safetensors",
        a: "model-00001-of-00002.safetensors",
        b: "model-00001-of-00002.safetensors",
      }),
    });
    const checkpoint = await Checkpoint.open(folder);
    expect(checkpoint.names().sort()).toEqual(["a", "b", "c"]);
    expect(checkpoint.tensor("c", [1]).location).toBe("model-00002-of-00002.safetensors");
    expect(await checkpoint.read("b")).toEqual(Float32Array.of(2, 3));
  });

  test("weights are found behind the links of a Hugging Face cache, and a session reads them", async () => {
    const cache = folderOf({});
    for (const name of ["blobs", "snapshots", "snapshots/main"]) mkdirSync(join(cache, name));
    writeFileSync(join(cache, "blobs", "0a1b"), floatTensors({ bias: [10, 20] }));
    writeFileSync(
      join(cache, "blobs", "2c3d"),
      safetensors(
        { weight: { dtype: "F32", shape: [2, 1], data_offsets: [0, 8] } },
        new Uint8Array(Float32Array.of(3, 4).buffer),
      ),
    );
    writeFileSync(
      join(cache, "blobs", "4e5f"),
      sharded({ bias: "one.safetensors", weight: "two.safetensors" }),
    );
    const snapshot = join(cache, "snapshots", "main");
    symlinkSync("../../blobs/0a1b", join(snapshot, "one.safetensors"));
    symlinkSync("../../blobs/2c3d", join(snapshot, "two.safetensors"));
    symlinkSync("../../blobs/4e5f", join(snapshot, "model.safetensors.index.json"));

    const weights = await Checkpoint.open(snapshot);
    expect(weights.tensor("bias", [2]).location).toBe("0a1b");
    const graph = new Graph({ weights });
    const x = graph.input("x", "float32", [1, 1]);
    graph.output("y", linear(x, graph.weight("weight", [2, 1]), graph.weight("bias", [2])));
    const session = await openSession(graph.build(), { weightsFolder: weights.root, threads: 1 });
    const { y } = await session.run({ x: { dtype: "float32", shape: [1, 1], data: Float32Array.of(2) } });
    expect(y!.data).toEqual(Float32Array.of(16, 28));
    await session.release();
  });

  test("weights are found in files whose common folder lies further up", async () => {
    const folder = folderOf({});
    for (const name of ["left", "right", "links"]) mkdirSync(join(folder, name));
    writeFileSync(join(folder, "left", "one"), floatTensors({ a: [1] }));
    writeFileSync(join(folder, "right", "two"), floatTensors({ b: [2] }));
    symlinkSync("../left/one", join(folder, "links", "one"));
    symlinkSync("../right/two", join(folder, "links", "two"));
    writeFileSync(join(folder, "links", "model.safetensors.index.json"), sharded({ a: "one", b: "two" }));
    const checkpoint = await Checkpoint.open(join(folder, "links"));
    expect([checkpoint.tensor("a", [1]).location, checkpoint.tensor("b", [1]).location]).toEqual([
      "left/one",
      "right/two",
    ]);
  });
});

describe("tensors", () => {
  const halves = new Uint8Array(Uint16Array.of(0x3c00, 0xc000, 0x3f80, 0xc040).buffer);
  const folder = folderOf({
    "model.safetensors": safetensors(
      {
        half: { dtype: "F16", shape: [1, 2], data_offsets: [0, 4] },
        brain: { dtype: "BF16", shape: [2], data_offsets: [4, 8] },
        wide: { dtype: "F64", shape: [1], data_offsets: [8, 16] },
      },
      Buffer.concat([halves, Buffer.alloc(8)]),
    ),
  });

  test("tensors are read as float32 from either 16-bit type", async () => {
    const checkpoint = await Checkpoint.open(folder);
    expect(await checkpoint.read("half")).toEqual(Float32Array.of(1, -2));
    expect(await checkpoint.read("brain")).toEqual(Float32Array.of(1, -3));
  });

  test("tensors become external data with type, place and length", async () => {
    const checkpoint = await Checkpoint.open(folder);
    const { offset } = checkpoint.info("half");
    expect(checkpoint.tensor("half", [1, 2])).toEqual({
      dtype: "float16",
      shape: [1, 2],
      location: "model.safetensors",
      offset,
      byteLength: 4,
    });
  });

  test("a missing tensor, a wrong shape and a type without an ONNX equivalent are named", async () => {
    const checkpoint = await Checkpoint.open(folder);
    const error = (reason: string) => new CheckpointError(folder, reason);
    expect(checkpoint.has("nothing")).toBe(false);
    expect(() => checkpoint.tensor("nothing", [1])).toThrow(error("tensor nothing is missing"));
    expect(() => checkpoint.tensor("half", [2, 1])).toThrow(
      error("tensor half has shape [1, 2] and the model expects [2, 1]"),
    );
    expect(() => checkpoint.tensor("wide", [1])).toThrow(
      error("tensor wide has dtype F64, which graphs do not support"),
    );
    await expect(checkpoint.read("wide")).rejects.toThrow(
      error("tensor wide has dtype F64, which cannot be read as float32"),
    );
  });

  test("unused tensors are listed", async () => {
    const checkpoint = await Checkpoint.open(folder);
    checkpoint.tensor("half", [1, 2]);
    checkpoint.info("wide");
    expect(checkpoint.unused()).toEqual(["brain", "wide"]);
    await checkpoint.read("brain");
    expect(checkpoint.unused()).toEqual(["wide"]);
    expect(() => checkpoint.checkAllUsed(/^wide$/)).not.toThrow();
    expect(() => checkpoint.checkAllUsed(/^brain$/)).toThrow(CheckpointError);
    expect(() => checkpoint.checkAllUsed()).toThrow(
      /: 1 tensor is not part of the model that the config\.json describes, first wide$/,
    );
  });

  test("tensors are not read from a file that was truncated after it was opened", async () => {
    const changed = folderOf({ "model.safetensors": floatTensors({ a: [1, 2, 3] }) });
    const checkpoint = await Checkpoint.open(changed);
    truncateSync(join(changed, "model.safetensors"), 70);
    await expect(checkpoint.read("a")).rejects.toThrow(/truncated, it ends \d+ bytes too early$/);
  });
});

describe("a malformed folder of weights", () => {
  const one = floatTensors({ a: [1] });
  test.each<[string, Record<string, Uint8Array | string>, RegExp]>([
    [
      "without weights",
      { "config.json": "{}" },
      /the folder has no weights: diffusion_pytorch_model\.safetensors or model\.safetensors, or shards with/,
    ],
    [
      "with several files of no known name",
      { "x.safetensors": one, "y.safetensors": one },
      /the folder has several safetensors files and no index, and none is named /,
    ],
    ["with an empty file", { "model.safetensors": safetensors("{}") }, /it holds no tensors$/],
    ["whose index is not JSON", { "model.safetensors.index.json": "{" }, /the JSON lacks " at character 1$/],
    ["whose index is a list", { "model.safetensors.index.json": "[]" }, /the JSON is not an object$/],
    ["whose index has no map", { "model.safetensors.index.json": "{}" }, /weight_map is not a map$/],
    [
      "whose shard is missing",
      { "model.safetensors.index.json": sharded({ a: "b" }) },
      /b: no such file or folder$/,
    ],
    [
      "whose shard lacks a tensor",
      { "model.safetensors.index.json": sharded({ b: "s" }), s: one },
      /shard s lacks the tensor "b"$/,
    ],
  ])("a folder %s is refused in one sentence", async (_, files, reason) => {
    const folder = folderOf(files);
    const opened = Checkpoint.open(folder);
    await expect(opened).rejects.toThrow(CheckpointError);
    await expect(opened).rejects.toThrow(reason);
    await expect(opened).rejects.toThrow(folder);
  });

  test.each(["../secret", "/etc/hostname", "sub/x", "..", "", "a\\b", "C:x", "a\u0000b", 7])(
    "an index with the shard name %j is refused",
    async (shard) => {
      const folder = folderOf({ "model.safetensors.index.json": sharded({ a: shard }) });
      const reason = `shard ${JSON.stringify(shard)} is not a file name in the same folder`;
      const path = join(folder, "model.safetensors.index.json");
      await expect(Checkpoint.open(folder)).rejects.toThrow(new CheckpointError(path, reason));
    },
  );

  test("a missing folder is refused in one sentence", async () => {
    const path = join(root, "nowhere");
    await expect(Checkpoint.open(path)).rejects.toThrow(new CheckpointError(path, "no such file or folder"));
  });
});
