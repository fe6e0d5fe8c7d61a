import { fork } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkModel, wholeBytes } from "../../../lib/generation/pipeline/index.ts";
import { type HeaderEntry, safetensors } from "../checkpoint/safetensors-file.ts";
import { sparseModels, writeJson, writeSparseModel } from "./sparse-model.ts";
import { writeTinyModel } from "./tiny-model.ts";

const root = mkdtempSync(join(tmpdir(), "adareel-check-"));
afterAll(() => rmSync(root, { recursive: true }));

describe("models of the published sizes", () => {
  // Transformers, text encoders and decoders of Latte, Wan and LTX-Video: parameters of the reference's modules.
  const t5 = 4_762_310_656;
  const umt5 = 5_680_910_336;
  const latte = 1_057_246_880;
  // The image encoder's last layer and the norm after it, 19,680,000 parameters, are not run.
  const shared = { text_encoder: umt5, image_encoder: 630_766_080 - 19_680_000, vae: 126_892_531 };
  test.each([
    ["latte-1", { transformer: latte, text_encoder: t5, vae: 49_490_199 }],
    ["open-sora-1.2", { transformer: 1_207_643_936, text_encoder: t5, vae: 214_756_151 }],
    ["open-sora-plan-1.1", { transformer: latte, text_encoder: t5, vae: 149_510_169 }],
    ["wan2.1-1.3b", { transformer: 1_418_996_800, text_encoder: umt5, vae: 73_295_603 }],
    ["wan2.1-i2v-14b-480p", { transformer: 16_394_878_784, ...shared }],
    ["wan2.1-flf2v-14b", { transformer: 16_395_536_704, ...shared }],
    ["ltx-video-0.9.0", { transformer: 1_923_385_472, text_encoder: t5, vae: 238_789_552 }],
    ["ltx-video-0.9.5", { transformer: 1_923_385_472, text_encoder: t5, vae: 552_814_897 }],
  ] as const)("the published model %s has no missing and no unused tensor", async (name, parameters) => {
    const folder = join(root, name);
    writeSparseModel(folder, sparseModels[name]);
    const check = await checkModel(folder);
    expect(check.faults).toEqual([]);
    expect(Object.fromEntries(check.parts.map((part) => [part.name, part.parameters]))).toEqual(parameters);
    expect(check.parts.flatMap((part) => [...part.missing, ...part.unused])).toEqual([]);
    expect(check.videos.length).toBeGreaterThan(0);
  });

  test("a model of 135 GB with two transformers is checked in less than 512 MiB of memory", async () => {
    const folder = join(root, "wan2.2-a14b");
    writeSparseModel(folder, sparseModels["wan2.2-a14b"]);
    const child = fork(new URL("./check-child.ts", import.meta.url), [folder], {
      execArgv: ["--import", import.meta.resolve("tsx")],
    });
    const [check] = await once(child, "message");
    const wan14B = 14_288_491_584;
    expect(check).toMatchObject({ faults: [], parameters: { transformer: wan14B, transformer_2: wan14B } });
    expect(check.peakMiB).toBeLessThan(512);
  });
});

describe("what a video needs", () => {
  test("the memory of a video holds the weights at their computed width, and the activations", async () => {
    const folder = join(root, "memory");
    writeSparseModel(folder, sparseModels["open-sora-1.2"]);
    const { videos } = await checkModel(folder);
    const [small, large] = videos;
    const [encoder, transformer, decoder] = [4_762_310_656, 1_207_643_936, 214_756_151];
    // The encoder's 16-bit file is mapped, and so is the transformer's: memory is that of the transformer.
    expect(small!.float32Bytes).toBeGreaterThan(4 * transformer);
    expect(small!.float32Bytes).toBeLessThan(2 * 4 * transformer);
    expect(large!.float32Bytes).toBeGreaterThan(small!.float32Bytes);
    expect(small!.storedFloat32Bytes).toBeGreaterThan(4 * transformer);
    expect(small!.storedFloat32Bytes).toBeLessThan(2 * 4 * transformer);
    // On a GPU the encoder runs alone, with one of its weights in float32 at a time.
    expect(small!.float16Bytes).toBeGreaterThan(2 * encoder);
    expect(small!.float16Bytes).toBeLessThan(2 * encoder + 2 ** 29);
    const [held] = small!.gpuParts.filter(({ part }) => part === "transformer");
    expect(held!.heldBytes).toBeGreaterThan(2 * transformer);
    expect(wholeBytes(small!.gpuParts)).toBeGreaterThan(2 * (transformer + encoder) + 4 * decoder);
    expect(large!.float16Bytes).toBeGreaterThanOrEqual(small!.float16Bytes);
  });
});

describe("a fault is one sentence, with what is at fault", () => {
  let whole: string;
  beforeAll(async () => {
    whole = await writeTinyModel();
  });
  afterAll(() => rmSync(whole, { recursive: true }));

  let folders = 0;
  async function faultsAfter(damage: (folder: string) => void): Promise<readonly string[]> {
    const folder = join(root, `damaged-${folders++}`);
    cpSync(whole, folder, { recursive: true });
    damage(folder);
    return (await checkModel(folder)).faults.map((fault) => fault.replaceAll(folder, "MODEL"));
  }

  const edit = (path: string, change: (value: Record<string, unknown>) => void) => {
    const value = JSON.parse(readFileSync(path, "utf8"));
    change(value);
    writeJson(path, value);
  };

  /** Rewrites the header of a safetensors file and leaves its data as it is. */
  const editHeader = (path: string, change: (header: Record<string, HeaderEntry>) => void) => {
    const file = readFileSync(path);
    const end = 8 + Number(file.readBigUInt64LE(0));
    const header = JSON.parse(file.subarray(8, end).toString());
    change(header);
    writeFileSync(path, safetensors(header, file.subarray(end)));
  };

  const transformer = "transformer/model.safetensors";

  test("a whole model has no fault", async () => {
    expect(await faultsAfter(() => undefined)).toEqual([]);
  });

  test.each<[string, (folder: string) => void, string]>([
    [
      "a part's folder",
      (folder) => rmSync(join(folder, "vae"), { recursive: true }),
      "MODEL/vae: model_index.json names this folder and it is missing",
    ],
    [
      "weights",
      (folder) => rmSync(join(folder, transformer)),
      "MODEL/transformer: the folder has no weights: diffusion_pytorch_model.safetensors or model.safetensors, " +
        "or shards with their index",
    ],
    [
      "a tokenizer",
      (folder) => rmSync(join(folder, "tokenizer/tokenizer.json")),
      "MODEL/tokenizer/tokenizer.json: no such file or folder",
    ],
    [
      "a config",
      (folder) => edit(join(folder, "vae/config.json"), (config) => delete config.latent_channels),
      "The config.json of AutoencoderKL cannot be used: " +
        "latent_channels is missing: it must be a whole number of at least 1.",
    ],
    [
      "a file of configuration",
      (folder) => rmSync(join(folder, "vae/config.json")),
      "AutoencoderKL has no config.json in its folder: put it beside the weights.",
    ],
    [
      "sizes",
      (folder) => edit(join(folder, "model_index.json"), (index) => delete index.video),
      "MODEL: model_index.json names the pipeline OpenSoraPipeline with parts of no published model: " +
        "it must say under video what the model makes (sizes, frames, fps, steps, guidance_scale)",
    ],
    [
      "a class that is known",
      (folder) =>
        edit(join(folder, "model_index.json"), (index) => {
          index.text_encoder = ["transformers", "CLIPTextModel"];
        }),
      "This model's text encoder is a CLIPTextModel, and Adareel can build only T5EncoderModel, UMT5EncoderModel.",
    ],
  ])("a model lacking %s has one fault, in one sentence", async (_, damage, fault) => {
    expect(await faultsAfter(damage)).toEqual([fault]);
  });

  test("tensors of a type that is not read are one fault, with their number", async () => {
    const faults = await faultsAfter((folder) => {
      const path = join(folder, "text_encoder/model.safetensors");
      const file = readFileSync(path);
      const end = 8 + Number(file.readBigUInt64LE(0));
      const header = JSON.parse(file.toString("utf8", 8, end));
      let at = 0;
      for (const entry of Object.values<Record<string, unknown>>(header)) {
        const { shape } = entry as { shape: number[] };
        const size = shape.reduce((product, count) => product * count, 1);
        Object.assign(entry, { dtype: "F8_E4M3", data_offsets: [at, at + size] });
        at += size;
      }
      writeFileSync(path, safetensors(header, new Uint8Array(at)));
    });
    expect(faults).toEqual([
      expect.stringMatching(
        /^MODEL\/text_encoder: tensor \S+ has dtype F8_E4M3, and float8 is not read: .*, and \d+ more likewise$/,
      ),
    ]);
  });

  test("a truncated file is one fault", async () => {
    const faults = await faultsAfter((folder) => truncateSync(join(folder, transformer), 100_000));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^MODEL\/transformer\/model\.safetensors: truncated, /);
  });

  test("an unknown scheduler is one fault", async () => {
    const faults = await faultsAfter((folder) =>
      edit(join(folder, "model_index.json"), (index) => {
        index.scheduler = ["diffusers", "EulerDiscreteScheduler"];
      }),
    );
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(
      /^MODEL\/scheduler: the scheduler cannot be used: it is a EulerDiscreteScheduler, /,
    );
  });

  test("an index that leads out of the folder is one fault", async () => {
    const faults = await faultsAfter((folder) => {
      renameSync(join(folder, transformer), join(folder, "stolen.safetensors"));
      writeJson(join(folder, "transformer/model.safetensors.index.json"), {
        weight_map: { w: "../stolen.safetensors" },
      });
    });
    expect(faults).toEqual([
      'MODEL/transformer/model.safetensors.index.json: shard "../stolen.safetensors" is not a file name in the same folder',
    ]);
  });

  test("all missing and all unknown tensors are reported at once", async () => {
    const faults = await faultsAfter((folder) =>
      editHeader(join(folder, transformer), (header) => {
        for (const block of ["spatial_blocks.0", "temporal_blocks.1"]) {
          header[`${block}.stranger`] = header[`${block}.attn.proj.bias`]!;
          delete header[`${block}.attn.proj.bias`];
        }
      }),
    );
    expect(faults).toEqual([
      "MODEL/transformer: 2 tensors are missing, first spatial_blocks.0.attn.proj.bias",
      "MODEL/transformer: 2 tensors are not part of the model that the config.json describes, " +
        "first spatial_blocks.0.stranger",
    ]);
  });

  test("a tensor of the wrong shape is one fault", async () => {
    const faults = await faultsAfter((folder) =>
      editHeader(join(folder, transformer), (header) => {
        const entry = header["final_layer.scale_shift_table"]!;
        header["final_layer.scale_shift_table"] = { ...entry, shape: entry.shape.toReversed() };
      }),
    );
    expect(faults).toEqual([
      "MODEL/transformer: tensor final_layer.scale_shift_table has shape [32, 2] and the model expects [2, 32]",
    ]);
  });

  test("a fault of one part does not hide another part's", async () => {
    const faults = await faultsAfter((folder) => {
      rmSync(join(folder, transformer));
      rmSync(join(folder, "tokenizer/tokenizer.json"));
      truncateSync(join(folder, "text_encoder/model.safetensors"), 4);
    });
    expect(faults).toHaveLength(3);
  });
});
