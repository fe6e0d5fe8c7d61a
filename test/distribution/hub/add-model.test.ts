import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { addModel, openHub, recipeOf, withFolder } from "../../../lib/distribution/hub/index.ts";
import { TABLE_FILE } from "../../../lib/generation/caching/index.ts";
import { publishedModels } from "../../../lib/generation/models/index.ts";
import { PREVIEW_FILE } from "../../../lib/generation/preview/index.ts";
import { safetensors } from "../../generation/checkpoint/safetensors-file.ts";
import { type HubStub, type StubRepository, startHubStub } from "./hub-stub.ts";

const root = mkdtempSync(join(tmpdir(), "adareel-hub-"));
afterAll(() => rmSync(root, { recursive: true }));

const MiB = 2 ** 20;
function weights(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; i++) bytes[i] = i * 31 + (i >> 12);
  return bytes;
}

const wanIndex = {
  _class_name: "WanPipeline",
  boundary_ratio: null,
  text_encoder: ["transformers", "UMT5EncoderModel"],
  tokenizer: ["transformers", "T5TokenizerFast"],
  transformer: ["diffusers", "WanTransformer3DModel"],
  transformer_2: [null, null],
  image_encoder: ["transformers", "CLIPVisionModel"],
  vae: ["diffusers", "AutoencoderKLWan"],
  scheduler: ["diffusers", "UniPCMultistepScheduler"],
};

/** Configurations of a published model's parts, as JSON. */
function configsOf(title: string): Record<"transformer" | "text_encoder" | "vae", string> {
  const { parts } = publishedModels.find((model) => model.title === title)!.benchmark!;
  const json = (part: keyof typeof parts) => JSON.stringify(parts[part].config);
  return { transformer: json("transformer"), text_encoder: json("text_encoder"), vae: json("vae") };
}

const wanConfigs = configsOf("Wan2.1 1.3B");
const latteConfigs = configsOf("Latte-1");

const wanFiles = {
  "model_index.json": JSON.stringify(wanIndex),
  "README.md": "hello",
  "text_encoder/config.json": wanConfigs.text_encoder,
  "text_encoder/model.safetensors.index.json": '{"weight_map":{}}',
  "text_encoder/model-00001-of-00002.safetensors": weights(3000),
  "text_encoder/model-00002-of-00002.safetensors": weights(2000),
  "text_encoder/pytorch_model.bin": weights(5000),
  "tokenizer/tokenizer.json": "{}",
  "tokenizer/spiece.model": weights(1500),
  "tokenizer/tokenization.py": "import os",
  "transformer/config.json": wanConfigs.transformer,
  "transformer/diffusion_pytorch_model.safetensors": weights(4000),
  "transformer/diffusion_pytorch_model.fp16.safetensors": weights(2001),
  "vae/config.json": wanConfigs.vae,
  "vae/diffusion_pytorch_model.safetensors": weights(1024),
  "vae/evil.pt": weights(1024),
  "scheduler/scheduler_config.json":
    '{"use_flow_sigmas": true, "prediction_type": "flow_prediction", "lambda_min_clipped": -Infinity}',
  "image_encoder/model.safetensors": weights(1100),
};

const WAN = "Wan-AI/Wan2.1-T2V-1.3B-Diffusers";
const NEW_COMMIT = "f".repeat(40);

let stub: HubStub;
let folder: string;
let folders = 0;
const waits: number[] = [];

beforeEach(async () => {
  stub = await startHubStub({ [WAN]: { files: { ...wanFiles } } });
  folder = join(root, `model-${folders++}`);
  waits.length = 0;
});
afterEach(() => stub.close());

function add(
  options: {
    model?: string;
    revision?: string;
    variant?: string;
    token?: string;
    into?: string;
    tries?: number;
  } = {},
) {
  const { model = WAN, revision, variant, token, into = folder, tries = 5 } = options;
  const sleep = async (durationMs: number) => {
    waits.push(durationMs);
    await setTimeout(20); // parts that arrive meanwhile are written, also on a busy machine
    if (waits.length > tries) throw new Error("killed");
  };
  const hub = openHub({ url: stub.url, token, sleep });
  return addModel({
    hub,
    recipe: recipeOf(model),
    revision,
    variant,
    folder: into,
    onProgress: () => undefined,
  });
}

const filesIn = (path: string) =>
  readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();
const asked = (part: string) => stub.requests.filter(({ path }) => decodeURIComponent(path).includes(part));

describe("a pipeline of the hub", () => {
  test("a hub pipeline is downloaded with what a model needs, and nothing executable", async () => {
    await add();
    expect(filesIn(folder)).toEqual([
      ".origin.json",
      "model_index.json",
      "scheduler/scheduler_config.json",
      "text_encoder/config.json",
      "text_encoder/model-00001-of-00002.safetensors",
      "text_encoder/model-00002-of-00002.safetensors",
      "text_encoder/model.safetensors.index.json",
      "tokenizer/spiece.model",
      "tokenizer/tokenizer.json",
      "transformer/config.json",
      "transformer/diffusion_pytorch_model.safetensors",
      "vae/config.json",
      "vae/diffusion_pytorch_model.safetensors",
    ]);
    expect(readFileSync(join(folder, "transformer/diffusion_pytorch_model.safetensors"))).toEqual(
      weights(4000),
    );
  });

  test("the downloaded index names only the parts that are run", async () => {
    await add();
    const index = JSON.parse(readFileSync(join(folder, "model_index.json"), "utf8"));
    const { image_encoder: _, transformer_2: __, ...kept } = wanIndex;
    expect(index).toEqual(kept);
  });

  test("a model may come from any repository whose pipeline is known", async () => {
    stub.repositories["someone/wan-tuned"] = { files: wanFiles };
    await add({ model: "someone/wan-tuned" });
    expect(existsSync(join(folder, "model_index.json"))).toBe(true);
  });

  test("a second download receives nothing", async () => {
    const first = await add();
    expect(first.receivedBytes).toBe(first.totalBytes);
    expect(await add()).toEqual({ totalBytes: first.totalBytes, receivedBytes: 0, notes: [] });
  });

  test("a download takes only the missing files from another repository", async () => {
    const latte = {
      ...wanFiles,
      "model_index.json": JSON.stringify({
        ...wanIndex,
        _class_name: "LattePipeline",
        text_encoder: ["transformers", "T5EncoderModel"],
        transformer: ["diffusers", "LatteTransformer3DModel"],
        vae: ["diffusers", "AutoencoderKL"],
        scheduler: ["diffusers", "DDIMScheduler"],
      }),
      "scheduler/scheduler_config.json": "{}",
      "text_encoder/config.json": latteConfigs.text_encoder,
      "transformer/config.json": latteConfigs.transformer,
      "vae/config.json": latteConfigs.vae,
      "vae_temporal_decoder/config.json": JSON.stringify({
        _class_name: "AutoencoderKLTemporalDecoder",
        latent_channels: 4,
        block_out_channels: [128, 256, 512, 512],
        layers_per_block: 2,
        scaling_factor: 0.18215,
      }),
      "vae_temporal_decoder/diffusion_pytorch_model.safetensors": weights(1030),
    };
    const { "tokenizer/tokenizer.json": own, ...lacking } = latte;
    stub.repositories["maxin-cn/Latte-1"] = { files: lacking };
    stub.repositories["google-t5/t5-base"] = {
      files: { "tokenizer.json": '{"t5":1}', "model.safetensors": weights(2000) },
    };
    await add({ model: "latte-1" });
    expect(readFileSync(join(folder, "tokenizer/tokenizer.json"), "utf8")).toBe('{"t5":1}');
    expect(filesIn(folder)).toContain("vae_temporal_decoder/diffusion_pytorch_model.safetensors");
    stub.repositories["maxin-cn/Latte-1"] = { files: latte };
    stub.requests.length = 0;
    await add({ model: "latte-1", into: `${folder}-2` });
    expect(readFileSync(join(`${folder}-2`, "tokenizer/tokenizer.json"), "utf8")).toBe(own);
    expect(asked("t5-base")).toEqual([]);
  });
});

test("a recipe assembles a model from several repositories", async () => {
  const t5 = {
    "text_encoder/config.json": "{}",
    "text_encoder/model.safetensors": weights(1200),
    "tokenizer/spiece.model": weights(1300),
    "transformer/diffusion_pytorch_model.safetensors": weights(9000),
  };
  const part = { "config.json": "{}", "model.safetensors": weights(1100) };
  Object.assign(stub.repositories, {
    "hpcai-tech/OpenSora-STDiT-v3": { files: part },
    "hpcai-tech/OpenSora-VAE-v1.2": { files: part },
    "THUDM/CogVideoX-2b": { files: t5 },
    "google-t5/t5-base": { files: { "tokenizer.json": "{}" } },
  } satisfies Record<string, StubRepository>);
  await add({ model: "open-sora-1.2" });
  expect(filesIn(folder)).toEqual([
    ".origin.json",
    "model_index.json",
    "scheduler/scheduler_config.json",
    "text_encoder/config.json",
    "text_encoder/model.safetensors",
    "tokenizer/spiece.model",
    "tokenizer/tokenizer.json",
    "transformer/config.json",
    "transformer/model.safetensors",
    "vae/config.json",
    "vae/model.safetensors",
  ]);
  const index = JSON.parse(readFileSync(join(folder, "model_index.json"), "utf8"));
  expect(index).toMatchObject({ _class_name: "OpenSoraPipeline", transformer: ["adareel", "STDiT3"] });
});

describe("variants of weights", () => {
  const plain = "transformer/diffusion_pytorch_model.safetensors";
  const { [plain]: _, "transformer/diffusion_pytorch_model.fp16.safetensors": __, ...others } = wanFiles;
  const shards = {
    "transformer/diffusion_pytorch_model.safetensors.index.fp16.json": '{"weight_map":{}}',
    "transformer/diffusion_pytorch_model.fp16-00001-of-00002.safetensors": weights(1100),
    "transformer/diffusion_pytorch_model.fp16-00002-of-00002.safetensors": weights(1200),
  };
  const transformerFiles = () => filesIn(join(folder, "transformer"));

  test("the variant that is asked for is downloaded, and parts that lack it without one", async () => {
    await add({ variant: "fp16" });
    expect(transformerFiles()).toEqual(["config.json", "diffusion_pytorch_model.fp16.safetensors"]);
    expect(filesIn(join(folder, "vae"))).toEqual(["config.json", "diffusion_pytorch_model.safetensors"]);
  });

  test("the only variant is downloaded with all its shards, and that is told", async () => {
    stub.repositories[WAN] = { files: { ...others, ...shards } };
    const { notes } = await add();
    expect(transformerFiles()).toEqual([
      "config.json",
      ...Object.keys(shards)
        .map((path) => path.slice("transformer/".length))
        .sort(),
    ]);
    expect(notes).toEqual(["The variant fp16 was taken of transformer, since there is no other."]);
  });

  test("several variants of which none is chosen are refused with their names", async () => {
    const bf16 = { "transformer/diffusion_pytorch_model.bf16.safetensors": weights(1100) };
    stub.repositories[WAN] = { files: { ...others, ...shards, ...bf16 } };
    await expect(add()).rejects.toThrow(
      `${WAN}/transformer has its weights as the variants bf16 and fp16: choose one with --variant.`,
    );
    await add({ variant: "bf16" });
    expect(transformerFiles()).toEqual(["config.json", "diffusion_pytorch_model.bf16.safetensors"]);
  });

  test("a variant that no part has, and shards that are missing, are refused before anything is downloaded", async () => {
    const [index, first] = Object.entries(shards);
    stub.repositories[WAN] = { files: { ...others, ...Object.fromEntries([index!, first!]) } };
    await expect(add()).rejects.toThrow(
      /has the index .*\.index\.fp16\.json, and 1 of its shards is not there\.$/,
    );
    await expect(add({ variant: "bf16" })).rejects.toThrow(
      'has its weights as the variant fp16: choose one with --variant, not "bf16".',
    );
    expect(asked("fp16-0000")).toEqual([]);
  });
});

describe("a folder of this machine", () => {
  const cache = join(root, "cache");
  const hub = () =>
    withFolder(openHub({ url: stub.url, token: undefined, sleep: async () => undefined }), cache);
  const from = (revision?: string) =>
    addModel({ hub: hub(), recipe: { id: cache }, revision, folder, onProgress: () => undefined });

  const shard = "text_encoder/model-00001-of-00002.safetensors";
  const tensor = (dtype: string, size: number) =>
    safetensors({ a: { dtype, shape: [size], data_offsets: [0, size] } }, new Uint8Array(size));

  beforeAll(() => {
    for (const [path, content] of Object.entries(wanFiles)) {
      mkdirSync(join(cache, path, ".."), { recursive: true });
      writeFileSync(join(cache, path), path.endsWith(".safetensors") ? tensor("BOOL", 900) : content);
    }
  });

  test("a local folder is copied like a repository, without asking the hub", async () => {
    await from();
    expect(filesIn(folder)).toHaveLength(13);
    expect(readFileSync(join(folder, shard))).toEqual(tensor("BOOL", 900));
    expect(stub.requests).toEqual([]);
    expect((await from()).receivedBytes).toBe(0);
  });

  test.each([
    ["the table", TABLE_FILE],
    ["the map for previews", PREVIEW_FILE],
  ])("%s beside a model is copied with it, and one that would not be read is left out", async (_, name) => {
    const contents = '{"kind": "measured"}';
    writeFileSync(join(cache, name), contents);
    await from();
    expect(readFileSync(join(folder, name), "utf8")).toBe(contents);
    writeFileSync(join(cache, name), " ".repeat(5 * MiB));
    const into = `${folder}-2`;
    await addModel({ hub: hub(), recipe: { id: cache }, folder: into, onProgress: () => undefined });
    expect(existsSync(join(into, name))).toBe(false);
    rmSync(join(cache, name));
  });

  test.each([
    [
      "the pointer of Git LFS",
      Buffer.from("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
      /LFS/,
    ],
    ["a page of a website", Buffer.from("<!DOCTYPE html><html></html>"), /HTML|website|web page/],
    ["float8", tensor("F8_E4M3", 8), /tensor a has dtype F8_E4M3, and float8 is not read: take the model in/],
  ])(
    "a local folder whose weights are %s is refused before anything is copied",
    async (_what, bytes, said) => {
      writeFileSync(join(cache, shard), bytes);
      await expect(from()).rejects.toThrow(said);
      expect(existsSync(folder) ? filesIn(folder) : []).toEqual([]);
      writeFileSync(join(cache, shard), tensor("BOOL", 900));
    },
  );

  test("a local folder has no revisions", async () => {
    await expect(from("main")).rejects.toThrow(`${cache} is a folder, which has no revisions.`);
  });
});

describe("a download that was broken off", () => {
  const path = "transformer/diffusion_pytorch_model.safetensors";
  const big = weights(34 * MiB);
  const files = { ...wanFiles, [path]: big };

  beforeEach(() => {
    stub.repositories[WAN] = { files };
  });

  test("an interrupted download resumes with the missing parts, at the commit it began with", async () => {
    stub.faults.ranges[path] = [null, ...new Array(100).fill(500)];
    await expect(add({ tries: 3 })).rejects.toThrow("killed");
    expect(existsSync(join(folder, path))).toBe(false);
    expect(existsSync(join(folder, "model_index.json"))).toBe(false);

    stub.faults.ranges = {};
    stub.repositories[WAN] = { files, commit: NEW_COMMIT };
    await expect(add()).rejects.toThrow("no such revision");
    stub.repositories[WAN] = { files };
    const { receivedBytes } = await add();
    expect(receivedBytes).toBeGreaterThan(0);
    expect(receivedBytes).toBeLessThan(20 * MiB);
    expect(readFileSync(join(folder, path)).equals(big)).toBe(true);
  });

  test("a broken connection resumes within the part", async () => {
    stub.faults.ranges[path] = [{ breakAfterBytes: 5 * MiB }, 503];
    await add();
    const starts = stub.requests
      .filter(({ host, path: asked }) => host === "files" && decodeURIComponent(asked).endsWith(path))
      .map(({ range }) => Number(/=(\d+)-/.exec(range!)![1]));
    expect(starts.some((start) => start % (16 * MiB) !== 0)).toBe(true);
    expect(waits).toContain(1000);
    expect(readFileSync(join(folder, path)).equals(big)).toBe(true);
  });
});

test("a file with a wrong checksum is not kept", async () => {
  const path = "vae/diffusion_pytorch_model.safetensors";
  stub.faults.contents[path] = weights(1024).reverse();
  await expect(add()).rejects.toThrow(`${path} does not match its SHA-256`);
  expect(existsSync(join(folder, path))).toBe(false);
  expect(existsSync(join(folder, "model_index.json"))).toBe(false);
});

test("a token is sent to the hub, and not to the server that hosts the files", async () => {
  await add({ token: "hf_secret" });
  const tokens = (host: "hub" | "files") =>
    new Set(
      stub.requests.filter((request) => request.host === host).map(({ authorization }) => authorization),
    );
  expect(tokens("hub")).toEqual(new Set(["Bearer hf_secret"]));
  expect(tokens("files")).toEqual(new Set([undefined]));
});

describe("a revision", () => {
  test("a revision is resolved to its commit and downloaded at it", async () => {
    await add({ revision: "v2" });
    expect(JSON.parse(readFileSync(join(folder, ".origin.json"), "utf8"))[WAN]).toMatch(/^0123/);
  });

  test("a revision does not replace another in its folder", async () => {
    await add();
    stub.repositories[WAN] = { files: wanFiles, commit: NEW_COMMIT };
    await expect(add({ revision: "v2" })).rejects.toThrow(/holds .* at 0123456789ab: choose another folder/);
  });

  test("an unknown revision is refused", async () => {
    await expect(add({ revision: "v3" })).rejects.toThrow(`${stub.url}/${WAN} has no such revision.`);
  });
});

describe("a download that the hub or the machine does not allow", () => {
  test.each([
    [undefined, "and set HF_TOKEN to a token of your account"],
    ["hf_other", "with the account of your HF_TOKEN"],
  ])(
    "a model with a licence to accept is refused with how to accept it, given the token %s",
    async (token, how) => {
      stub.repositories[WAN] = { files: wanFiles, gated: true };
      await expect(add(token ? { token } : {})).rejects.toThrow(
        `The licence of ${WAN} has to be accepted first: visit ${stub.url}/${WAN}, accept it ${how}.`,
      );
      expect(waits).toEqual([]);
    },
  );

  test("a model opens once its licence is accepted", async () => {
    stub.repositories[WAN] = { files: wanFiles, gated: true };
    await add({ token: "hf_accepted" });
    expect(existsSync(join(folder, "model_index.json"))).toBe(true);
  });

  test("a missing repository is refused in one sentence", async () => {
    await expect(add({ model: "no/such" })).rejects.toThrow(
      "The hub has no repository no/such that is public; HF_TOKEN opens others.",
    );
  });

  test("a model with weights in a format that can hold code is refused in one sentence", async () => {
    const { "transformer/diffusion_pytorch_model.safetensors": _, ...files } = wanFiles;
    const { "transformer/diffusion_pytorch_model.fp16.safetensors": __, ...rest } = files;
    stub.repositories[WAN] = { files: { ...rest, "transformer/diffusion_pytorch_model.bin": weights(2000) } };
    await expect(add()).rejects.toThrow(
      /transformer has its weights as diffusion_pytorch_model\.bin, which can hold code/,
    );
  });

  test("an unknown pipeline is refused in one sentence", async () => {
    const index = JSON.stringify({ ...wanIndex, _class_name: "FluxPipeline" });
    stub.repositories[WAN] = { files: { ...wanFiles, "model_index.json": index } };
    await expect(add()).rejects.toThrow(`${WAN} is a FluxPipeline, and Adareel runs only LattePipeline, `);
  });

  test.each<[string, Record<string, string>, string]>([
    [
      "without a pipeline",
      { "config.json": "{}" },
      "has no model_index.json, so it is no model. Adareel reads ",
    ],
    ["of a LoRA", { "pytorch_lora_weights.safetensors": "" }, "holds a LoRA, which changes a model"],
    [
      "in the layout of Wan's authors",
      { "Wan2.1_VAE.pth": "" },
      "holds a model in the layout of Wan's authors.",
    ],
    ["of ComfyUI", { "split_files/vae/x.safetensors": "" }, "holds single files in ComfyUI's layout."],
  ])("a repository %s is refused by what it is", async (_, files, sentence) => {
    stub.repositories[WAN] = { files };
    await expect(add()).rejects.toThrow(`${WAN} ${sentence}`);
  });

  test.each<[string, Record<string, string>, string]>([
    [
      "a scheduler that is not known",
      {
        "model_index.json": JSON.stringify({
          ...wanIndex,
          scheduler: ["diffusers", "DPMSolverMultistepScheduler"],
        }),
      },
      "The scheduler cannot be used: it is a DPMSolverMultistepScheduler, and Adareel knows only ",
    ],
    [
      "a transformer of another kind",
      {
        "model_index.json": JSON.stringify({
          ...wanIndex,
          transformer: ["diffusers", "FluxTransformer2DModel"],
        }),
      },
      "This model's transformer is a FluxTransformer2DModel, and Adareel can build only ",
    ],
    [
      "a member of a configuration that is not known",
      {
        "transformer/config.json": wanConfigs.transformer.replace(
          '"cross_attn_norm":true',
          '"cross_attn_norm":false',
        ),
      },
      "cross_attn_norm",
    ],
  ])("a model with %s is refused before its weights are asked for", async (_, changed, sentence) => {
    stub.repositories[WAN] = { files: { ...wanFiles, ...changed } };
    await expect(add()).rejects.toThrow(`${WAN} cannot be run, so nothing was downloaded. `);
    await expect(add()).rejects.toThrow(sentence);
    expect(asked(".safetensors")).toEqual([]);
  });

  test("a Wan with another number of layers is downloaded, since its family's limits serve it", async () => {
    const config = JSON.stringify({ ...JSON.parse(wanConfigs.transformer), num_layers: 2 });
    stub.repositories[WAN] = { files: { ...wanFiles, "transformer/config.json": config } };
    await add();
    expect(existsSync(join(folder, "model_index.json"))).toBe(true);
  });

  test("a model that does not fit on the disk is refused before anything is downloaded", async () => {
    stub.faults.sizes["transformer/diffusion_pytorch_model.safetensors"] = 2 ** 40;
    await expect(add()).rejects.toThrow(/The model needs 1099\.5 GB more in .*, where .* GB are free\./);
    expect(asked("diffusion_pytorch_model.safetensors")).toEqual([]);
  });

  test("a folder with other files is refused as a target", async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, "diary.txt"), "");
    await expect(add()).rejects.toThrow(`${folder} exists and was not downloaded from the hub`);
  });

  test("a folder with another model is refused as a target", async () => {
    await add();
    stub.repositories["someone/wan-tuned"] = { files: wanFiles };
    await expect(add({ model: "someone/wan-tuned" })).rejects.toThrow(
      `${folder} holds another model, of ${WAN}`,
    );
  });

  test("a server without range requests is refused in one sentence", async () => {
    stub.repositories[WAN] = {
      files: { ...wanFiles, "transformer/diffusion_pytorch_model.safetensors": weights(20 * MiB) },
    };
    stub.faults.ignoreRanges = true;
    await expect(add()).rejects.toThrow(`${stub.url} does not give ranges of files.`);
  });

  test("an unreachable hub is reported in one sentence after five retries", async () => {
    stub.faults.hub = new Array(20).fill(503);
    await expect(add({ tries: 9 })).rejects.toThrow(`${stub.url} cannot be reached (it answers 503)`);
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16000]);
  });

  test("a malformed token is refused in one sentence", () => {
    expect(() => openHub({ url: stub.url, token: "sk-1", sleep: async () => undefined })).toThrow(
      "HF_TOKEN is not a token of the Hugging Face hub, which begins with hf_.",
    );
  });

  test.each(["latte", "../up/there", "a/b/c", ".hidden/x"])(
    "the name %s is refused as no repository and no recipe",
    (name) => {
      expect(() => recipeOf(name)).toThrow("none of latte-1, open-sora-1.2, open-sora-plan-1.1, ");
    },
  );
});

test("files whose listed paths lead outside of the folder are ignored", async () => {
  stub.repositories[WAN] = {
    files: { ...wanFiles, "transformer/../../escape/config.json": "{}", "vae/sub/config.json": "{}" },
  };
  await add();
  expect(filesIn(folder).filter((path) => path.includes("escape") || path.includes("sub"))).toEqual([]);
  expect(existsSync(join(root, "escape"))).toBe(false);
});
