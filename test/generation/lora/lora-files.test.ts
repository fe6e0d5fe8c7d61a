import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readLora, withLoras } from "../../../lib/generation/lora/index.ts";
import { Graph } from "../../../lib/generation/onnx/index.ts";
import { type HeaderEntry, safetensors } from "../checkpoint/safetensors-file.ts";
import { ModelProtoSchema } from "../onnx/generated/onnx_pb.js";
import { base, loaded, target } from "./lora-golden.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-lora-"));
});
afterAll(() => rm(folder, { recursive: true }));

type Shapes = Readonly<Record<string, readonly number[]>>;

/** Writes a file of float32 tensors, all of whose values are 0.5, and reads it as a LoRA. */
async function read(shapes: Shapes, metadata?: Readonly<Record<string, unknown>>) {
  const header: Record<string, HeaderEntry | object> = metadata ? { __metadata__: metadata } : {};
  let end = 0;
  for (const [name, shape] of Object.entries(shapes)) {
    const start = end;
    end += 4 * shape.reduce((product, size) => product * size, 1);
    header[name] = { dtype: "F32", shape, data_offsets: [start, end] };
  }
  const values = new Float32Array(end / 4).fill(0.5);
  const path = join(folder, "one.safetensors");
  await writeFile(path, safetensors(header, new Uint8Array(values.buffer)));
  return readLora(path, target);
}

const adapter = (settings: object) => ({
  lora_adapter_metadata: JSON.stringify(
    Object.fromEntries(Object.entries(settings).map(([name, value]) => [`transformer.${name}`, value])),
  ),
});

/** A pair of matrices for the first query of the tiny Wan, whose weight is [32, 32]. */
const pair = (prefix = "transformer.", layer = "blocks.0.attn1.to_q", rank = 2): Shapes => ({
  [`${prefix}${layer}.lora_A.weight`]: [rank, 32],
  [`${prefix}${layer}.lora_B.weight`]: [32, rank],
});

const QUERY = "blocks.0.attn1.to_q.weight";

describe("names in a LoRA file", () => {
  it.each([
    "transformer.",
    "base_model.model.",
    "base_model.model.transformer.",
    "",
    "diffusion_model.",
    "model.diffusion_model.",
  ])("a layer of diffusers' name is found behind the prefix '%s'", async (prefix) => {
    expect([...(await read(pair(prefix))).changes.keys()]).toEqual([QUERY]);
  });

  it.each([
    ["transformer.blocks.0.self_attn.q"],
    ["diffusion_model.blocks.0.self_attn.q"],
    ["lora_unet_blocks_0_self_attn_q"],
    ["lora_unet_blocks_0_attn1_to_q"],
    ["lora_transformer_blocks_0_attn1_to_q"],
  ])("the layer %s is found by the authors' name or kohya's", async (layer) => {
    expect([...(await read(pair("", layer))).changes.keys()]).toEqual([QUERY]);
  });

  it("the authors' norm3 is diffusers' norm2, and their modulation a table", async () => {
    const { changes, counts } = await read({
      "diffusion_model.blocks.1.norm3.diff": [32],
      "diffusion_model.blocks.1.norm3.diff_b": [32],
      "diffusion_model.blocks.1.modulation.diff": [1, 6, 32],
      "diffusion_model.head.modulation.diff": [1, 2, 32],
    });
    expect([...changes.keys()]).toEqual([
      "blocks.1.norm2.weight",
      "blocks.1.norm2.bias",
      "blocks.1.scale_shift_table",
      "scale_shift_table",
    ]);
    expect(counts).toEqual({ lowRank: 0, differences: 3, biases: 1, leftOut: 0 });
  });

  it.each([
    "diffusion_model.blocks.0.cross_attn.k_img",
    "lora_unet_blocks_0_cross_attn_v_img",
    "transformer.blocks.0.attn2.add_k_proj",
    "diffusion_model.img_emb.proj.1",
  ])("an entry for an image branch (%s) is left out of a model without one, and counted", async (layer) => {
    const { changes, counts } = await read({ ...pair(), ...pair("", layer) });
    expect([...changes.keys()]).toEqual([QUERY]);
    expect(counts).toMatchObject({ lowRank: 1, leftOut: 2 });
  });
});

describe("the scale of a change", () => {
  const scaleOf = async (...given: Parameters<typeof read>) => {
    const { changes } = await read(...given);
    return changes.get(QUERY)![0]!.scale;
  };

  it.each([
    ["1 without any alpha", {}, 1],
    ["alpha / rank of the header", { r: 2, lora_alpha: 8 }, 4],
    [
      "alpha / sqrt(rank) with use_rslora",
      { r: 2, lora_alpha: 8, use_rslora: true },
      Math.fround(8 / Math.SQRT2),
    ],
    ["that of alpha_pattern", { r: 2, lora_alpha: 8, alpha_pattern: { "attn1.to_q": 3 } }, 1.5],
    [
      "that of the first pattern",
      { r: 2, lora_alpha: 8, alpha_pattern: { "^blocks.0.*to_q": 5, to_q: 3 } },
      2.5,
    ],
    [
      "the usual one beside a pattern that ends inside a name",
      { r: 2, lora_alpha: 8, alpha_pattern: { o_q: 3 } },
      4,
    ],
    ["of the rank of rank_pattern", { r: 9, lora_alpha: 8, rank_pattern: { "attn1\\.to_q": 2 } }, 4],
  ])("the scale of a change is %s", async (_what, settings, scale) => {
    expect(await scaleOf(pair(), Object.keys(settings).length > 0 ? adapter(settings) : undefined)).toBe(
      scale,
    );
  });

  it("an alpha beside the matrices counts once, before the header", async () => {
    const shapes = { ...pair(), "transformer.blocks.0.attn1.to_q.alpha": [] };
    expect(await scaleOf(shapes, adapter({ r: 2, lora_alpha: 8 }))).toBe(0.25);
  });

  it("settings of other components do not count", async () => {
    expect(await scaleOf(pair(), { lora_adapter_metadata: '{"text_encoder.r": 2}' })).toBe(1);
  });
});

describe("a file that cannot be used is refused in one sentence", () => {
  const layer = "transformer.blocks.0.attn1.to_q";
  it.each<[string, Shapes, Readonly<Record<string, unknown>> | undefined, RegExp]>([
    [
      "that is no LoRA",
      { [QUERY]: [32, 32] },
      undefined,
      /: it is no LoRA: it holds no lora_A, lora_down or diff, but blocks\.0\.attn1\.to_q\.weight$/,
    ],
    [
      "with one block too many",
      { ...pair(), ...pair("transformer.", "blocks.9.attn1.to_q") },
      undefined,
      /: 2 of its 4 entries do not fit a weight of this model, first transformer\.blocks\.9\.attn1\.to_q\.lora_A\.we/,
    ],
    [
      "of another model",
      pair("transformer.", "transformer_blocks.0.attn.to_q"),
      undefined,
      /: none of its entries fits a weight of this model, first .*: it was made for another model$/,
    ],
    [
      "of another width",
      { [`${layer}.lora_A.weight`]: [2, 48], [`${layer}.lora_B.weight`]: [64, 2] },
      undefined,
      /lora_A\.weight is for a weight of \[64, 48\], and blocks\.0\.attn1\.to_q\.weight of this model has \[32, 32\]/,
    ],
    [
      "with a difference of another size",
      { [`${layer}.diff`]: [32, 31] },
      undefined,
      /diff is for a weight of \[32, 31\], and blocks\.0\.attn1\.to_q\.weight of this model has \[32, 32\]/,
    ],
    [
      "with matrices of two ranks",
      { [`${layer}.lora_A.weight`]: [2, 32], [`${layer}.lora_B.weight`]: [32, 3] },
      undefined,
      /lora_A\.weight has rank 2, and .*lora_B\.weight another$/,
    ],
    [
      "with half a pair",
      { [`${layer}.lora_A.weight`]: [2, 32] },
      undefined,
      /lora_A\.weight has no matrix up/,
    ],
    ["with an alpha alone", { [`${layer}.alpha`]: [] }, undefined, /alpha has no matrices beside it$/],
    [
      "with an alpha of two",
      { ...pair(), [`${layer}.alpha`]: [2] },
      undefined,
      /alpha has 2 elements, and not one$/,
    ],
    [
      "that changes a layer twice",
      { ...pair(), ...pair("diffusion_model.", "blocks.0.self_attn.q") },
      undefined,
      /both transformer\.blocks.* and diffusion_model\.blocks.* change blocks\.0\.attn1\.to_q\.weight$/,
    ],
    [
      "with a DoRA's magnitudes",
      { ...pair(), [`${layer}.lora_magnitude_vector`]: [32] },
      undefined,
      /: it is a DoRA, which is not supported: only plain LoRA files are$/,
    ],
    ["with LyCORIS' dora_scale", { ...pair(), [`${layer}.dora_scale`]: [32, 1] }, undefined, /it is a DoRA/],
    ["with a DoRA's header", pair(), adapter({ r: 2, lora_alpha: 2, use_dora: true }), /it is a DoRA/],
    ["that is a LoKr", { "lora_unet_blocks_0_self_attn_q.lokr_w1": [2, 2] }, undefined, /it is a LoKr/],
    ["that is a LoHa", { "lora_unet_blocks_0_self_attn_q.hada_w1_a": [2, 2] }, undefined, /it is a LoHa/],
    [
      "with a text encoder's entries",
      { ...pair(), "lora_te_layer.lora_down.weight": [2, 2] },
      undefined,
      /it changes a text encoder too \(lora_te_layer\.lora_down\.weight\), and only transformers can be changed$/,
    ],
    [
      "whose header states another rank",
      pair(),
      adapter({ r: 4, lora_alpha: 8 }),
      /its header states rank 4 for blocks\.0\.attn1\.to_q, and .* has rank 2$/,
    ],
    [
      "whose settings are no JSON",
      pair(),
      { lora_adapter_metadata: "{r: 2}" },
      /lora_adapter_metadata of its header is not a JSON object$/,
    ],
    [
      "whose settings lack alpha",
      pair(),
      adapter({ r: 2 }),
      /lora_adapter_metadata of its header has no usable transformer\.lora_alpha$/,
    ],
    [
      "whose patterns could take for ever",
      pair(),
      adapter({ r: 2, lora_alpha: 2, rank_pattern: { "(a+)+b": 2 } }),
      /the pattern "\(a\+\)\+b" of its header is more than a name with dots, and is not read$/,
    ],
  ])("a LoRA %s is refused", async (_what, shapes, metadata, sentence) => {
    await expect(read(shapes, metadata)).rejects.toThrow(sentence);
  });

  it("any names of tensors are either matched or refused by a sentence", async () => {
    const part = fc.constantFrom(
      "transformer.",
      "lora_unet_",
      "blocks.0.",
      "attn1.to_q",
      ".lora_A.weight",
      ".alpha",
      "x",
    );
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          fc.array(part, { minLength: 1 }).map((parts) => parts.join("")),
          { minLength: 1, maxLength: 4 },
        ),
        async (names) => {
          const shapes = Object.fromEntries(names.map((name) => [name, [2, 32]]));
          const refusal = await read(shapes).then(
            () => "",
            (error: Error) => `${error.name}: ${error.message}`,
          );
          expect(refusal).toMatch(/^(|CheckpointError: .*one\.safetensors: .+)$/);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("a graph with a LoRA", () => {
  /** Returns the nodes of a graph that read a weight, as operators. */
  async function readers(file: string, name: string, use: (graph: Graph) => void): Promise<string[]> {
    const graph = new Graph({ weights: await loaded([{ file, scale: 1 }]) });
    use(graph);
    const { graph: proto } = fromBinary(ModelProtoSchema, graph.build());
    return proto!.node.filter(({ input }) => input.includes(name)).map(({ opType }) => opType);
  }

  it("a linear layer reads its weight as it lies in the checkpoint, and the LoRA beside it", async () => {
    const { linear } = await import("../../../lib/generation/onnx/index.ts");
    const ops = await readers("kohya", QUERY, (graph) => {
      graph.output("y", linear(graph.input("x", "float32", [3, 32]), graph.weight(QUERY, [32, 32])));
      expect(fromBinary(ModelProtoSchema, graph.build()).graph!.node.map(({ opType }) => opType)).toEqual([
        "Cast",
        "Cast",
        "Gemm",
        "Gemm",
        "Gemm",
        "Identity",
      ]);
    });
    expect(ops).toEqual(["Gemm"]);
  });

  it("the scales of a user and of a file are multiplied", async () => {
    const lora = await readLora(join(import.meta.dirname, "../../golden/lora/kohya.safetensors"), target);
    const [change] = withLoras(base.weights, [{ lora, scale: -0.5 }]).changes!(QUERY);
    expect(change!.scale).toBe(-0.25);
  });

  it("weights that no LoRA changes have no changes", async () => {
    expect((await loaded([{ file: "own-header", scale: 1 }])).changes!("blocks.0.attn1.to_k.weight")).toEqual(
      [],
    );
  });
});
