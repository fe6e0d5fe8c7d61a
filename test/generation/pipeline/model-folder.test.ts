import { execFileSync } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { RequestError } from "../../../lib/generation/request/index.ts";
import { safetensors } from "../checkpoint/safetensors-file.ts";
import { requestFor } from "./request-for.ts";
import { tinyIndex, writeJson, writeTinyModel } from "./tiny-model.ts";

const weights = {
  transformer: "transformer/model.safetensors",
  text_encoder: "text_encoder/model.safetensors",
  vae: "vae/diffusion_pytorch_model.safetensors",
};

let intact: string;
let parent: string;
let copies = 0;

beforeAll(async () => {
  intact = await writeTinyModel();
  parent = await mkdtemp(join(tmpdir(), "adareel-broken-model-"));
});
afterAll(async () => {
  await rm(intact, { recursive: true });
  await rm(parent, { recursive: true });
});

/** Returns the error message of opening, or else of generating with, a copy of the model after `damage`. */
async function faultOf(damage: (folder: string) => Promise<unknown>): Promise<string> {
  const folder = join(parent, `model-${copies++}`);
  await cp(intact, folder, { recursive: true });
  await damage(folder);
  const fault = await use(folder).then(
    () => "nothing is wrong",
    (error: Error) =>
      error instanceof RequestError ? `blames the request: ${error.message}` : error.message,
  );
  return fault.replaceAll(folder, "<model>");
}

async function use(folder: string): Promise<void> {
  const pipeline = await openPipeline(folder, { threads: 1 });
  try {
    await pipeline.generate(requestFor(pipeline, { prompt: "a red circle", seed: 1, steps: 3 }));
  } finally {
    await pipeline.close();
  }
}

async function changeJson(path: string, change: (json: Record<string, unknown>) => unknown): Promise<void> {
  const json = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>;
  await writeJson(path, change(json) ?? json);
}

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: number[];
}

/** Rewrites the header of a weight file and leaves its data. */
async function changeHeader(
  path: string,
  change: (entries: [string, HeaderEntry][]) => [string, HeaderEntry][],
): Promise<void> {
  const file = await readFile(path);
  const end = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString("utf8", 8, end)) as Record<string, HeaderEntry>;
  await writeFile(path, safetensors(Object.fromEntries(change(Object.entries(header))), file.subarray(end)));
}

const secondBias = "encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight";

function addEmptyTensor(path: string, name: string): Promise<void> {
  return changeHeader(path, (entries) => [
    ...entries,
    [name, { dtype: "F32", shape: [0], data_offsets: [0, 0] }],
  ]);
}

/** Overwrites the data of a weight file; bytes of 0xff are NaN in every floating-point type. */
async function fillData(path: string, byte: number): Promise<void> {
  const file = await readFile(path);
  await writeFile(path, file.fill(byte, 8 + Number(file.readBigUInt64LE(0))));
}

/** Overwrites the first value of a float32 tensor with NaN. */
async function spoilTensor(path: string, name: string): Promise<void> {
  const file = await readFile(path);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, 8 + length).toString());
  file.writeFloatLE(Number.NaN, 8 + length + header[name].data_offsets[0]);
  await writeFile(path, file);
}

/** Damages to the model, each with the message of its error. */
const damages: Record<string, [damage: (folder: string) => Promise<unknown>, sentence: string | RegExp]> = {
  "is not there": [
    (folder) => rm(folder, { recursive: true }),
    "<model>/model_index.json: no such file or folder",
  ],
  "has no model_index.json": [
    (folder) => rm(join(folder, "model_index.json")),
    "<model>/model_index.json: no such file or folder",
  ],
  "has a model_index.json that is not JSON": [
    (folder) => writeFile(join(folder, "model_index.json"), "{"),
    /^<model>\/model_index\.json: the JSON .*$/,
  ],
  "does not say what it can make": [
    (folder) => writeJson(join(folder, "model_index.json"), { ...tinyIndex, video: undefined }),
    /^<model>: model_index\.json names the p.*$/,
  ],
  "says that it can make nothing": [
    (folder) =>
      writeJson(join(folder, "model_index.json"), { ...tinyIndex, video: { ...tinyIndex.video, sizes: [] } }),
    /^<model>: model_index\.json does not say what the model can make: video\.sizes is .*$/,
  ],
  "says that it makes sizes its decoder cannot": [
    (folder) =>
      writeJson(join(folder, "model_index.json"), {
        ...tinyIndex,
        video: { ...tinyIndex.video, sizes: [[17, 16]] },
      }),
    "This model's decoder makes multiples of 2 pixels, not 17x16.",
  ],
  "says that it makes pictures larger than any file holds": [
    (folder) =>
      writeJson(join(folder, "model_index.json"), {
        ...tinyIndex,
        video: { ...tinyIndex.video, sizes: [[16_384, 16]] },
      }),
    /^<model>: model_index\.json does not say what the model can make: video\.sizes entry 1 entry 1 is .*16383, not/,
  ],
  "says that it makes a video of days": [
    (folder) =>
      writeJson(join(folder, "model_index.json"), {
        ...tinyIndex,
        video: { ...tinyIndex.video, frames: [10_001] },
      }),
    /^<model>: model_index\.json does not say what the model can make: video\.frames entry 1 is .*10000, not .*$/,
  ],
  "says that it makes more frames a second than a screen shows": [
    (folder) =>
      writeJson(join(folder, "model_index.json"), {
        ...tinyIndex,
        video: { ...tinyIndex.video, fps: [241] },
      }),
    /^<model>: model_index\.json does not say what the model can make: video\.fps entry 1 is .*240, not .*$/,
  ],
  "says of its vocabulary what is not known": [
    (folder) =>
      writeJson(join(folder, "model_index.json"), {
        ...tinyIndex,
        video: { ...tinyIndex.video, vocabulary: "letters" },
      }),
    /^<model>: model_index\.json does not say what the model can make: video\.vocabulary must be open or words$/,
  ],
  "does not name a part": [
    (folder) => writeJson(join(folder, "model_index.json"), { ...tinyIndex, vae: undefined }),
    "<model>/model_index.json: the model has no part vae, only transformer, text_encoder, tokenizer, scheduler",
  ],
  "lacks the folder of a part": [
    (folder) => rm(join(folder, "scheduler"), { recursive: true }),
    "<model>/scheduler: model_index.json names this folder and it is missing",
  ],
  "has a transformer of another architecture": [
    (folder) =>
      writeJson(join(folder, "model_index.json"), { ...tinyIndex, transformer: ["adareel", "UNet"] }),
    /^This model's transformer is a UNet, and Adareel can build only LatteTransformer3DModel, STDiT3, .*\.$/,
  ],
  "has a transformer whose config lacks a member": [
    (folder) => changeJson(join(folder, "transformer/config.json"), (json) => void delete json.depth),
    /^The config\.json of STDiT3 cannot be used: depth is .*\.$/,
  ],
  "has a scheduler without noise": [
    (folder) => writeJson(join(folder, "scheduler/scheduler_config.json"), { base_resolution: 0 }),
    /^<model>\/scheduler: the scheduler cannot be used: base_resolution is .*$/,
  ],
  "has a scheduler whose switch is a text": [
    (folder) => writeJson(join(folder, "scheduler/scheduler_config.json"), { use_timestep_transform: "yes" }),
    /^<model>\/scheduler: the scheduler cannot be used: use_timestep_transform is .*$/,
  ],
  "has no tokenizer.json": [
    (folder) => rm(join(folder, "tokenizer/tokenizer.json")),
    "<model>/tokenizer/tokenizer.json: no such file or folder",
  ],
  "has a tokenizer.json that is not JSON": [
    (folder) => writeFile(join(folder, "tokenizer/tokenizer.json"), "<html>"),
    "<model>/tokenizer/tokenizer.json: the JSON has no valid value at character 0",
  ],
  // Windows has no such files.
  ...(process.platform !== "win32" && {
    "has a pipe for a tokenizer.json": [
      async (folder) => {
        await rm(join(folder, "tokenizer/tokenizer.json"));
        execFileSync("mkfifo", [join(folder, "tokenizer/tokenizer.json")]);
      },
      "<model>/tokenizer/tokenizer.json: not a regular file",
    ],
    "has a device for a tokenizer.json": [
      async (folder) => {
        await rm(join(folder, "tokenizer/tokenizer.json"));
        await symlink("/dev/zero", join(folder, "tokenizer/tokenizer.json"));
      },
      "<model>/tokenizer/tokenizer.json: not a regular file",
    ],
  }),
  "has a tokenizer.json of more bytes than any has": [
    (folder) => truncate(join(folder, "tokenizer/tokenizer.json"), 2 ** 26 + 1),
    "<model>/tokenizer/tokenizer.json: 67108865 bytes are more than the 67108864 it may have",
  ],
  "has another kind of tokenizer": [
    (folder) =>
      changeJson(join(folder, "tokenizer/tokenizer.json"), (json) => {
        json.model = { type: "BPE", vocab: { a: 0 }, merges: [] };
      }),
    "<model>/tokenizer/tokenizer.json: it is not a Unigram tokenizer (see model.type)",
  ],
  "has a tokenizer with more pieces than its text encoder": [
    (folder) =>
      changeJson(join(folder, "tokenizer/tokenizer.json"), (json) => {
        const filler = Array.from({ length: 200 }, (_, i) => [`no text ${i}`, -1]);
        (json.model as { vocab: unknown[] }).vocab.splice(3, 0, ...filler);
      }),
    /^Token 203 is outside the text encoder's vocabulary of \d+\.$/,
  ],
  "has no weights in a part": [(folder) => rm(join(folder, weights.vae)), /^<model>\/vae: .*$/],
  "has a tensor of another shape": [
    (folder) =>
      changeHeader(join(folder, weights.transformer), (entries) =>
        entries.map(([name, entry]) =>
          name === "x_embedder.proj.bias" ? [name, { ...entry, shape: [8, 4] }] : [name, entry],
        ),
      ),
    /x_embedder\.proj\.bias has shape \[8, 4\] and the model expects \[32\]$/,
  ],
  "lacks a tensor": [
    (folder) =>
      changeHeader(join(folder, weights.vae), (entries) =>
        entries.map(([name, entry]) => [name === "decoder.conv_in.bias" ? "other" : name, entry]),
      ),
    /<model>\/vae: tensor decoder\.conv_in\.bias is missing$/,
  ],
  "lacks the tensor of the null caption": [
    (folder) =>
      changeHeader(join(folder, weights.transformer), (entries) =>
        entries.map(([name, entry]) => [name === "y_embedder.y_embedding" ? "rope.freqs" : name, entry]),
      ),
    "<model>/transformer: tensor y_embedder.y_embedding is missing",
  ],
  "has a transformer with more blocks than its config": [
    (folder) => changeJson(join(folder, "transformer/config.json"), (json) => ({ ...json, depth: 1 })),
    /^<model>\/transformer: \d+ tensors are not part of the model .*, first spatial_blocks\.1\.\S+$/,
  ],
  "has a text encoder with a position bias in a block where T5 has none": [
    (folder) => addEmptyTensor(join(folder, weights.text_encoder), secondBias),
    `<model>/text_encoder: 1 tensor is not part of the model that the config.json describes, first ${secondBias}`,
  ],
  "has a transformer whose weights are not numbers": [
    (folder) => fillData(join(folder, weights.transformer), 0xff),
    /^The transformer at denoising step 1 of \d gave numbers that are not finite: .* PRECISION=float32\.$/,
  ],
  "has a text encoder whose weights are not numbers": [
    (folder) => fillData(join(folder, weights.text_encoder), 0xff),
    "The text encoder gave numbers that are not finite: its weights may be damaged.",
  ],
  "has a decoder with one weight that is not a number": [
    (folder) => spoilTensor(join(folder, weights.vae), "decoder.conv_out.weight"),
    "The decoder gave numbers that are not finite: its weights may be damaged.",
  ],
  "has weights of a type that no graph takes": [
    (folder) =>
      changeHeader(join(folder, weights.text_encoder), (entries) =>
        entries.map(([name, entry]) => [name, { ...entry, dtype: "U32" }]),
      ),
    /<model>\/text_encoder: tensor shared\.weight has dtype U32, which graphs do not support$/,
  ],
};

describe("a faulty model folder", () => {
  it.each(Object.entries(damages))(
    "a model folder is refused in one sentence when it %s",
    async (_, [damage, sentence]) => {
      const fault = await faultOf(damage);
      if (typeof sentence === "string") expect(fault).toBe(sentence);
      else expect(fault).toMatch(sentence);
      expect(fault).not.toContain("\n");
    },
  );

  for (const [part, path] of Object.entries(weights)) {
    it(`a model folder with truncated weights in ${part} is refused`, async () => {
      for (const size of [0, 7, 8, 100, -1]) {
        const fault = await faultOf(async (folder) => {
          const whole = (await readFile(join(folder, path))).length;
          await truncate(join(folder, path), size < 0 ? whole + size : size);
        });
        expect(fault).toMatch(new RegExp(`^<model>/${path}: (truncated|not a safetensors file), .*\\d.*$`));
      }
    });

    it(`a model folder with a hostile header in ${part} is refused`, async () => {
      const headers = [
        '{"a": {"dtype": "F32", "shape": [4611686018427387904, 4], "data_offsets": [0, 0]}}',
        '{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}, "b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}',
        '{"__proto__": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}}',
        `${"[".repeat(10_000)}${"]".repeat(10_000)}`,
        "not JSON",
      ];
      for (const header of headers) {
        const fault = await faultOf((folder) =>
          writeFile(join(folder, path), safetensors(header, new Uint8Array(4))),
        );
        expect(fault).toMatch(new RegExp(`^<model>/${path}: .*$`));
      }
    });
  }
});

it("a tied token table stored twice and an encoder beside the decoder are no faults", async () => {
  const fault = await faultOf(async (folder) => {
    await addEmptyTensor(join(folder, weights.text_encoder), "encoder.embed_tokens.weight");
    await addEmptyTensor(join(folder, weights.vae), "encoder.conv_in.weight");
  });
  expect(fault).toBe("nothing is wrong");
});

it("the undamaged model folder is accepted", async () => {
  await expect(use(intact)).resolves.toBeUndefined();
});
