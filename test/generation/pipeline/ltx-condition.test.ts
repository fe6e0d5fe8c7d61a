/**
 * Whole generations compared with diffusers' LTXConditionPipeline over the same random model and noise
 * (tools/golden/pipeline_ltx_condition.py): masked texts of 256 rows, times of first frames, noise levels that are
 * linear and then quadratic, a given frame with noise of its own at every step, and given timesteps without guidance.
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
  readonly timesteps?: readonly number[];
}

const pipelines = join(import.meta.dirname, "../../golden/pipelines");
const golden = join(pipelines, "ltx-condition");
const tokenizer = join(import.meta.dirname, "../../../models/demo/tokenizer");
const cases: GoldenCase[] = JSON.parse(await readFile(join(golden, "cases.json"), "utf8"));
const vectors = await Checkpoint.open(join(golden, "vectors.safetensors"));
const modelIndex = JSON.parse(await readFile(join(golden, "model_index.json"), "utf8"));
const scheduler = JSON.parse(await readFile(join(golden, "scheduler/scheduler_config.json"), "utf8"));
const video = {
  sizes: [[64, 32]],
  frames: [5],
  fps: [25, 30],
  steps: 50,
  guidance_scale: 3,
  takes_image: true,
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-ltx-condition-"));
  await cp(join(pipelines, "ltx"), folder, { recursive: true });
  await cp(golden, folder, { recursive: true });
  await cp(tokenizer, join(folder, "tokenizer"), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes the folder's index; the pipeline wrote all of it but what such a tiny model makes. */
async function describeFolder(more: object = {}): Promise<void> {
  await writeJson(join(folder, "model_index.json"), { ...modelIndex, video: { ...video, ...more } });
}

async function generate({ negativePrompt, image, timesteps, ...request }: GoldenCase) {
  const sigmas = timesteps?.map((timestep) => timestep / 1000);
  await describeFolder(sigmas && { given_noise: 0, sampling: { sigmas, distilled: true } });
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

function describeCase({ image, negativePrompt, timesteps, fps }: GoldenCase): string {
  const text = negativePrompt === null ? "a prompt alone" : "a negative prompt";
  return `${text}${image ? " and a picture" : ""}, ${timesteps ? "given timesteps" : `${fps} frames a second`}`;
}

describe("LTX-Video from 0.9.5 on makes the video that diffusers makes", () => {
  it.each(cases.map((goldenCase, index) => ({ goldenCase, index, name: describeCase(goldenCase) })))(
    "LTX-Video from 0.9.5 on makes diffusers' video of $name",
    async ({ index, goldenCase }) => {
      const { latent, frames } = await generate(goldenCase);
      const expected = await vectors.read(`${index}.latent`); // [C, F, H, W]
      const largest = Math.max(...expected.map(Math.abs));
      const errors = expected.map((value, i) => Math.abs(value - latent[i]!));

      // Worst error measured: 7.2e-7.
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

  it("the noise on a given frame follows from the seed, and so does the video", async () => {
    const [first, again] = [await generate(cases[2]!), await generate(cases[2]!)];
    expect(again.latent).toEqual(first.latent);
    expect(again.frames.rgb).toEqual(first.frames.rgb);
  });
});

describe("a folder that LTXConditionPipeline saved", () => {
  it("a folder of this class has no faults, and is not run by the rules of LTXPipeline", async () => {
    await describeFolder();
    expect((await checkModel(folder)).faults).toEqual([]);
    const { latent } = await generate(cases[0]!);
    await writeJson(join(folder, "model_index.json"), { ...modelIndex, _class_name: "LTXPipeline", video });
    const pipeline = await openPipeline(folder, { threads: 1 });
    const { negativePrompt: _, ...request } = cases[0]!;
    const other = await pipeline.generate(requestFor(pipeline, { ...request, cache: "off" }));
    await pipeline.close();
    expect(other.latent).not.toEqual(latent);
  });

  it.each([
    [{ use_dynamic_shifting: true }, "use_dynamic_shifting"],
    [{ shift: 3 }, "shift"],
    [{ shift_terminal: 0.1 }, "shift_terminal"],
  ])("a scheduler that moves noise levels is refused by the member's name: %o", async (change, member) => {
    await describeFolder();
    const path = join(folder, "scheduler/scheduler_config.json");
    await writeJson(path, { ...scheduler, ...change });
    const { faults } = await checkModel(folder);
    await writeJson(path, scheduler);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(
      `the scheduler cannot be used: its ${member} moves noise levels, and this model's pipeline takes them unmoved: ` +
        "set use_dynamic_shifting to false, shift to 1 and shift_terminal to null",
    );
  });
});
