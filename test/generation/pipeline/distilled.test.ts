/** Pipelines of distilled models: fixed steps, no guidance, no cache. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { describeModel, openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { requestFor } from "./request-for.ts";
import { tinyIndex, writeJson, writeTinyModel } from "./tiny-model.ts";

const lightning = { sigmas: [1, 0.75, 0.5, 0.25], shift: 5, distilled: true };

let folder: string;
beforeAll(async () => {
  folder = await writeTinyModel();
});
afterAll(() => rm(folder, { recursive: true }));

async function sampledBy(sampling: object): Promise<void> {
  const video = { ...tinyIndex.video, sampling };
  await writeJson(join(folder, "model_index.json"), { ...tinyIndex, video });
}

describe("a distilled model", () => {
  it("a distilled model has fixed steps and no guidance, whatever its index says of other steps", async () => {
    await sampledBy(lightning);
    const { limits } = await describeModel(folder);
    expect(limits).toMatchObject({ steps: 4, guidance_scale: 1, has_fixed_steps: true, is_distilled: true });
    expect(limits).not.toHaveProperty("guidance_scale_2");
  });

  it.each([
    ["auto", "every step was computed."],
    ["fast", "every step was computed, and the cache fast was left out."],
    ["at_least:35dB", "every step was computed, and the cache at_least:35dB was left out."],
  ])("a distilled model makes the video without the cache %s, and says so", async (cache, said) => {
    await sampledBy(lightning);
    const pipeline = await openPipeline(folder, { threads: 1 });
    try {
      const { trace, notes } = await pipeline.generate(
        requestFor(pipeline, { prompt: "a red circle", seed: 1, cache }),
      );
      expect(trace.cache).toBe("off");
      expect(trace.schedule.map(({ computed }) => computed)).toEqual([true, true, true, true]);
      expect(notes).toEqual([`The model was distilled to 4 steps, so there is nothing to save: ${said}`]);
    } finally {
      await pipeline.close();
    }
  });

  it("a distilled model says nothing of a cache that nobody asked for", async () => {
    await sampledBy(lightning);
    const pipeline = await openPipeline(folder, { threads: 1 });
    const request = requestFor(pipeline, { prompt: "a red circle", seed: 1, cache: "off" });
    expect((await pipeline.generate(request)).notes).toEqual([]);
    await pipeline.close();
  });

  it("the seed of a request decides about fresh noise", async () => {
    await sampledBy({ scheduler: "DMDScheduler", distilled: true, sigmas: [1, 0.28, 0.12] });
    const pipeline = await openPipeline(folder, { threads: 1 });
    const latentOf = async (seed: number) => {
      const request = requestFor(pipeline, { prompt: "a red circle", seed, cache: "off" });
      return (await pipeline.generate(request)).latent;
    };
    const [one, again, other] = [await latentOf(1), await latentOf(1), await latentOf(2)];
    await pipeline.close();
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
  });

  it.each([
    [{ sigmas: [0.2, 0.8] }, /sampling\.sigmas.*descend/],
    [{ scheduler: "UniPCMultistepScheduler" }, /sampling\.scheduler/],
    [{ shift: 0 }, /sampling\.shift/],
  ])("a sampling that cannot be followed is refused by the member's name: %j", async (sampling, message) => {
    await sampledBy(sampling);
    await expect(describeModel(folder)).rejects.toThrow(message);
  });
});

it("a list of levels takes the shift that the folder stores, if it names none", async () => {
  await sampledBy({ sigmas: [1, 0.5] });
  await writeJson(join(folder, "scheduler/scheduler_config.json"), { flow_shift: 3 });
  const pipeline = await openPipeline(folder, { threads: 1 });
  const request = requestFor(pipeline, { prompt: "a red circle", seed: 1, cache: "off" });
  const stored = (await pipeline.generate(request)).latent;
  await pipeline.close();
  await sampledBy({ sigmas: [1, 0.5], shift: 3 });
  const named = await openPipeline(folder, { threads: 1 });
  expect((await named.generate(requestFor(named, { ...request, cache: "off" }))).latent).toEqual(stored);
  await named.close();
});
