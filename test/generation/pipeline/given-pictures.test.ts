/** Videos that begin with an image, on the tiny random model of tools/golden/pipeline_open_sora.py. */
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import { readPictures } from "../../../lib/generation/pipeline/given-pictures.ts";
import { openPipeline, type Pipeline } from "../../../lib/generation/pipeline/index.ts";
import { resolveRequest } from "../../../lib/generation/request/index.ts";
import { requestFor, type Wanted } from "./request-for.ts";
import { writeJson } from "./tiny-model.ts";

const golden = join(import.meta.dirname, "../../golden/pipelines/open-sora");
const tokenizer = join(import.meta.dirname, "../../../models/demo/tokenizer");
const vectors = await Checkpoint.open(join(golden, "vectors.safetensors"));
const cases = JSON.parse(await readFile(join(golden, "cases.json"), "utf8"));
const [FRAMES, AREA] = [5, 12 * 16];

let folder: string;
let pipeline: Pipeline;
let withImage: Wanted;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-given-pictures-"));
  await cp(golden, folder, { recursive: true });
  await cp(tokenizer, join(folder, "tokenizer"), { recursive: true });
  pipeline = await openPipeline(folder, { threads: 1 });
  withImage = requestOf(2);
});
afterAll(async () => {
  await pipeline.close();
  await rm(folder, { recursive: true });
});

function requestOf(index: number): Wanted {
  const { negativePrompt: _, image, ...request } = cases[index];
  return { ...request, cache: "off", ...(image && { image: join(folder, image) }) };
}

async function relativeErrorOf(index: number, latent: Float32Array): Promise<number> {
  const expected = await vectors.read(`${index}.latent`); // [C, F, H, W]
  const errors = expected.map((value, i) => Math.abs(value - latent[i]!));
  return Math.max(...errors) / Math.max(...expected.map(Math.abs));
}

const firstFrameOf = (latent: Float32Array) => latent.filter((_, i) => Math.floor(i / AREA) % FRAMES === 0);

describe("a video that begins with an image", () => {
  it("a video from an image has the latent of the authors' sampler, transformer and mask", async () => {
    const { latent } = await pipeline.generate(requestFor(pipeline, withImage));
    // Worst error measured: 6.7e-6.
    expect(await relativeErrorOf(2, latent)).toBeLessThan(1e-4);
  });

  it("one pipeline makes videos with and without an image in turn", async () => {
    for (const index of [1, 2, 1]) {
      const { latent } = await pipeline.generate(requestFor(pipeline, requestOf(index)));
      expect(await relativeErrorOf(index, latent)).toBeLessThan(1e-4);
    }
  });

  it("a video from an image keeps the image's latent for every seed and cache", async () => {
    const { latent } = await pipeline.generate(requestFor(pipeline, withImage));
    const other = { seed: 9, steps: 8, cache: { codebook: [{ rate: 3 }] } };
    const cached = await pipeline.generate(requestFor(pipeline, { ...withImage, ...other }));
    expect(cached.trace.schedule.some((step) => !step.computed)).toBe(true);
    expect(firstFrameOf(cached.latent)).toEqual(firstFrameOf(latent));
    expect(cached.latent).not.toEqual(latent);
  });

  it("a request with an unreadable image is refused before any stage begins", async () => {
    const stages: string[] = [];
    const image = join(folder, "missing.png");
    const generation = pipeline.generate(requestFor(pipeline, { ...withImage, image }), {
      onProgress: ({ stage }) => stages.push(stage),
    });
    await expect(generation).rejects.toThrow(
      expect.objectContaining({
        name: "RequestError",
        message: `The picture ${image} cannot be read: there is no such file.`,
      }),
    );
    expect(stages).toEqual([]);
  });
});

it("a picture is fitted to the size that the transformer is told, and cropped on the right", async () => {
  const image = join(folder, "first.png"); // 32x24
  const recipe = {
    nominal_size: { "24x24": [32, 24] as [number, number] },
    picture_filter: "bicubic" as const,
  };
  const whole = await readPictures({ image, width: 32, height: 24 }, recipe);
  const cut = await readPictures({ image, width: 24, height: 24 }, recipe);
  expect(cut!.first.pixels.shape).toEqual([1, 3, 24, 24]);
  const left = (whole!.first.pixels.data as Float32Array).filter((_, i) => i % 32 < 24);
  expect(cut!.first.pixels.data).toEqual(left);
});

it("a model that does not declare images refuses one", async () => {
  const index = JSON.parse(await readFile(join(golden, "model_index.json"), "utf8"));
  const { takes_image: _, ...video } = index.video;
  await writeJson(join(folder, "model_index.json"), { ...index, video });
  const other = await openPipeline(folder, { threads: 1 });
  try {
    const { prompt, seed, image } = withImage;
    expect(() => resolveRequest({ prompt, seed, image }, other)).toThrow(
      "This model makes videos of a prompt alone, and takes no image.",
    );
  } finally {
    await other.close();
  }
});
