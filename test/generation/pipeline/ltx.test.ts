/**
 * Whole generations compared with diffusers' LTXPipeline and LTXImageToVideoPipeline over the same random model and
 * noise (tools/golden/pipeline_ltx.py): tokens that attend to their padding, positions in seconds, guidance, the shift
 * by the number of tokens, a first frame at timestep 0, and a decoder with a timestep and noise together.
 */
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Checkpoint } from "../../../lib/generation/checkpoint/index.ts";
import { checkModel, openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { requestFor } from "./request-for.ts";
import { writeJson } from "./tiny-model.ts";

interface GoldenCase {
  readonly steps: number;
  readonly guidanceScale: number;
  readonly fps: number;
  readonly prompt: string;
  readonly negativePrompt: string | null;
  readonly seed: number;
  readonly image?: string;
}

const golden = join(import.meta.dirname, "../../golden/pipelines/ltx");
const tokenizer = join(import.meta.dirname, "../../../models/demo/tokenizer");
const cases: GoldenCase[] = JSON.parse(await readFile(join(golden, "cases.json"), "utf8"));
const vectors = await Checkpoint.open(join(golden, "vectors.safetensors"));
const modelIndex = JSON.parse(await readFile(join(golden, "model_index.json"), "utf8"));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-ltx-"));
  await cp(golden, folder, { recursive: true });
  await cp(tokenizer, join(folder, "tokenizer"), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

async function generate({ negativePrompt, image, ...request }: GoldenCase) {
  const pipeline = await openPipeline(folder, { threads: 1 });
  try {
    const negative = negativePrompt !== null && { negativePrompt };
    const picture = image !== undefined && { image: join(folder, image) };
    return await pipeline.generate(
      requestFor(pipeline, { ...request, ...negative, ...picture, cache: "off" }),
    );
  } finally {
    await pipeline.close();
  }
}

function describeCase({ image, negativePrompt, steps, fps }: GoldenCase): string {
  const text = negativePrompt === null ? "a prompt alone" : "a negative prompt";
  return `${text}${image ? " and a picture" : ""}, ${steps} steps, ${fps} frames a second`;
}

describe("LTX-Video makes the video that diffusers makes", () => {
  it.each(cases.map((goldenCase, index) => ({ goldenCase, index, name: describeCase(goldenCase) })))(
    "LTX-Video makes diffusers' video of $name",
    async ({ index, goldenCase }) => {
      const { latent, frames } = await generate(goldenCase);
      const expected = await vectors.read(`${index}.latent`); // [C, F, H, W]
      const largest = Math.max(...expected.map(Math.abs));
      const errors = expected.map((value, i) => Math.abs(value - latent[i]!));

      // Worst error measured: 3.0e-6.
      expect(Math.max(...errors) / largest).toBeLessThan(1e-4);
      expect([frames.count, frames.width, frames.height]).toEqual([5, 64, 32]);
      if (!vectors.has(`${index}.frames`)) return;
      const planes = await vectors.read(`${index}.frames`); // [F, 3, H, W], 0..1, in 16 bit
      const pixels = frames.width * frames.height;
      expect(frames.rgb).toHaveLength(planes.length);
      for (const [at, value] of planes.entries()) {
        const frame = Math.floor(at / (3 * pixels));
        const channel = Math.floor(at / pixels) % 3;
        const level = frames.rgb[(frame * pixels + (at % pixels)) * 3 + channel]!;
        expect(Math.abs(level - 255 * value)).toBeLessThan(1);
      }
    },
  );

  it("the decoder's noise follows from the seed, and so do the frames", async () => {
    const [first, again] = [await generate(cases[0]!), await generate(cases[0]!)];
    expect(again.frames.rgb).toEqual(first.frames.rgb);
  });
});

it("a folder that LTXPipeline saved has no faults, and the class decides how noise levels are spaced", async () => {
  expect((await checkModel(folder)).faults).toEqual([]);
  await writeJson(join(folder, "model_index.json"), {
    ...modelIndex,
    _class_name: "LTXImageToVideoPipeline",
  });
  const { latent } = await generate(cases[0]!);
  await writeJson(join(folder, "model_index.json"), {
    ...modelIndex,
    video: { ...modelIndex.video, noise_spacing: "scheduler" },
  });
  expect((await generate(cases[0]!)).latent).not.toEqual(latent);
  await writeJson(join(folder, "model_index.json"), modelIndex);
  expect((await generate(cases[0]!)).latent).toEqual(latent);
});
