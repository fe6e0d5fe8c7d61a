/**
 * Whole generations of a model like Wan 2.2 TI2V-5B compared with diffusers' WanPipeline and WanImageToVideoPipeline
 * with expand_timesteps (tools/golden/pipeline_wan_ti2v.py), from a prompt and from a prompt and a picture.
 */
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import { openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { requestFor, type Wanted } from "./request-for.ts";
import { writeJson } from "./tiny-model.ts";

interface Golden {
  readonly scheduler: object;
  readonly cases: readonly {
    readonly steps: number;
    readonly guidanceScale: number;
    readonly prompt: string;
    readonly seed: number;
    readonly hasPicture: boolean;
  }[];
}

const vectorsOf = join(import.meta.dirname, "../../golden");
const golden = join(vectorsOf, "pipelines/wan-ti2v");
const tokenizer = join(import.meta.dirname, "../../../models/demo/tokenizer");
const readJson = async (path: string) => JSON.parse(await readFile(path, "utf8"));
const { scheduler, cases }: Golden = await readJson(join(golden, "cases.json"));
const vectors = await Checkpoint.open(join(golden, "vectors.safetensors"));
const image = join(golden, "picture.png");

const index = {
  _class_name: "WanPipeline",
  expand_timesteps: true,
  boundary_ratio: null,
  transformer: ["diffusers", "WanTransformer3DModel"],
  transformer_2: [null, null],
  text_encoder: ["transformers", "UMT5EncoderModel"],
  tokenizer: ["transformers", "T5TokenizerFast"],
  vae: ["diffusers", "AutoencoderKLWan"],
  scheduler: ["diffusers", "UniPCMultistepScheduler"],
  video: { sizes: [[64, 32]], frames: [9], fps: [24], steps: 50, guidance_scale: 5, takes_image: true },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-wan-ti2v-"));
  const autoencoder = join(vectorsOf, "models/autoencoder-kl-wan-residual");
  await cp(join(golden, "transformer"), join(folder, "transformer"), { recursive: true });
  await cp(join(vectorsOf, "pipelines/wan/text_encoder"), join(folder, "text_encoder"), { recursive: true });
  await cp(tokenizer, join(folder, "tokenizer"), { recursive: true });
  await cp(join(autoencoder, "config.json"), join(folder, "vae/config.json"));
  await cp(join(autoencoder, "model.safetensors"), join(folder, "vae/diffusion_pytorch_model.safetensors"));
  await cp(join(vectorsOf, "pipelines/wan/scheduler"), join(folder, "scheduler"), { recursive: true });
  await writeJson(join(folder, "scheduler/scheduler_config.json"), scheduler);
  await writeJson(join(folder, "model_index.json"), index);
});
afterAll(() => rm(folder, { recursive: true }));

async function generate(wanted: Wanted) {
  const pipeline = await openPipeline(folder, { threads: 1 });
  try {
    return await pipeline.generate(requestFor(pipeline, { cache: "off", ...wanted }));
  } finally {
    await pipeline.close();
  }
}

function wantedOf({ hasPicture, ...request }: Golden["cases"][number]): Wanted {
  return { ...request, ...(hasPicture && { image }) };
}

describe("Wan 2.2 TI2V 5B", () => {
  it.each(cases.map((goldenCase, index) => ({ goldenCase, index })))(
    "Wan 2.2 TI2V 5B makes the latent of diffusers in case $index: picture $goldenCase.hasPicture",
    async ({ goldenCase, index }) => {
      const { latent } = await generate(wantedOf(goldenCase));
      const expected = await vectors.read(`${index}.latent`); // [C, F, H, W]
      const largest = Math.max(...expected.map(Math.abs));
      const errors = expected.map((value, i) => Math.abs(value - latent[i]!));
      // Worst error measured: 9.8e-6.
      expect(latent).toHaveLength(expected.length);
      expect(Math.max(...errors) / largest).toBeLessThan(1e-4);
    },
  );

  it.each([1])("Wan 2.2 TI2V 5B makes the frames of diffusers, level by level, in case %d", async (i) => {
    const { frames } = await generate(wantedOf(cases[i]!));
    const planes = await vectors.read(`${i}.frames`); // [F, 3, H, W], 0..1
    const pixels = frames.width * frames.height;
    expect(frames.rgb).toHaveLength(planes.length);
    for (const [at, value] of planes.entries()) {
      const frame = Math.floor(at / (3 * pixels));
      const channel = Math.floor(at / pixels) % 3;
      const level = frames.rgb[(frame * pixels + (at % pixels)) * 3 + channel]!;
      expect(Math.abs(level - 255 * value)).toBeLessThan(1);
    }
  });

  it("the class that a folder names does not matter, nor an image branch that its weights do not have", async () => {
    const wanted = wantedOf(cases[1]!);
    const { latent } = await generate(wanted);
    const config = await readJson(join(folder, "transformer/config.json"));
    const wrong = { ...config, image_dim: 8, added_kv_proj_dim: 99 };
    await writeJson(join(folder, "transformer/config.json"), wrong);
    await writeJson(join(folder, "model_index.json"), { ...index, _class_name: "WanImageToVideoPipeline" });
    const again = (await generate(wanted)).latent;
    await writeJson(join(folder, "transformer/config.json"), config);
    await writeJson(join(folder, "model_index.json"), index);
    expect(again).toEqual(latent);
  });

  it("a cache makes a video that begins with the picture, as every step does", async () => {
    const wanted = { ...wantedOf(cases[1]!), steps: 12 };
    const [all, cached] = [await generate(wanted), await generate({ ...wanted, cache: "static:2" })];
    expect(cached.trace.schedule.some(({ computed }) => !computed)).toBe(true);
    const first = (latent: Float32Array) => {
      const [channels, frames] = [4, 3];
      const area = latent.length / channels / frames;
      return [0, 1, 2, 3].flatMap((c) => [...latent.subarray(c * frames * area, (c * frames + 1) * area)]);
    };
    expect(first(cached.latent)).toEqual(first(all.latent));
  });
});
