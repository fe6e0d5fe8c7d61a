import { rm } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openPipeline, type Pipeline } from "../../../lib/generation/pipeline/index.ts";
import { type Driver, type RunFacts, rivalDriver } from "../../../tools/bench/policies/driver.ts";
import type { RivalRun, RivalStep } from "../../../tools/bench/policies/rival.ts";
import { requestFor } from "../../generation/pipeline/request-for.ts";
import { writeTinyModel } from "../../generation/pipeline/tiny-model.ts";

const request = { prompt: "a red circle moves", seed: 5, steps: 5, cache: "off" };

let folder: string;
let driver: Driver;
let pipeline: Pipeline;
beforeAll(async () => {
  folder = await writeTinyModel();
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  driver = rivalDriver();
  pipeline = await openPipeline(folder, { threads: 1 }, driver.observer);
});
afterEach(async () => {
  await driver.release();
  await pipeline.close();
});

type Step = (step: RivalStep, facts: RunFacts) => Promise<Float32Array>;

async function generate(step: Step | null, wanted = request) {
  driver.drive(step && ((facts): RivalRun => ({ step: (each) => step(each, facts) })));
  return pipeline.generate(requestFor(pipeline, wanted));
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
}

describe("a driven generation", () => {
  it("a rival that computes every step makes the uncached video, byte for byte", async () => {
    const uncached = await generate(null);
    const driven = await generate(async ({ graphs }) => (await graphs.full()).prediction);
    expect(driven.latent).toEqual(uncached.latent);
    expect(driven.frames.rgb).toEqual(uncached.frames.rgb);
    expect(driver.cost()).toBe(5);
  });

  it("a rival that computes every second step makes the video of static:2", async () => {
    const cached = await generate(null, { ...request, cache: "static:2" });
    let kept = new Float32Array();
    const driven = await generate(async ({ index, graphs }) => {
      if (index % 2 === 1) return graphs.reuse(kept);
      const { prediction, residual } = await graphs.full();
      kept = residual as Float32Array<ArrayBuffer>;
      return prediction;
    });
    expect(driven.latent).toEqual(cached.latent);
    expect(driver.cost()).toBe(3);
  });

  it("a rival runs on sessions that measure signals for another policy", async () => {
    const uncached = await generate(null);
    await generate(null, { ...request, cache: "fast" });
    const driven = await generate(async ({ graphs }) => (await graphs.full()).prediction);
    expect(driven.latent).toEqual(uncached.latent);
  });

  it("a rival is told the steps, the timesteps, the latent before each step and the model's shape", async () => {
    const steps: number[] = [];
    let told: RunFacts | undefined;
    const latents: Float32Array[] = [];
    const { latent } = await generate(async ({ index, latent, graphs }, facts) => {
      steps.push(index);
      told = facts;
      latents.push(latent.slice());
      return (await graphs.full()).prediction;
    });
    expect(steps).toEqual([0, 1, 2, 3, 4]);
    expect(told).toMatchObject({ steps: 5, blocks: 2, width: 32, batch: 2, guidanceScale: 4 });
    expect(told!.timesteps).toHaveLength(5);
    expect(told!.timesteps[0]).toBe(1000);
    expect(told!.latent).toEqual({ channels: 4, frames: 4, height: 8, width: 8 });
    expect(latents.at(-1)).not.toEqual(latent);
  });
});

describe("the graphs of a step", () => {
  /** Runs `check` at every step of a generation that computes all of them. */
  const atEveryStep = (check: (step: RivalStep, facts: RunFacts) => Promise<void>, wanted = request) =>
    generate(async (step, facts) => {
      await check(step, facts);
      return (await step.graphs.full()).prediction;
    }, wanted);

  it("the first block and the rest after it give prediction and residual of the whole, to 1e-5", async () => {
    let worst = 0;
    await atEveryStep(async ({ graphs }) => {
      const whole = await graphs.full();
      const front = await graphs.front(1);
      const rest = await graphs.rest(1, front);
      worst = Math.max(
        worst,
        largestDifference(whole.prediction, rest.prediction),
        largestDifference(whole.residual, rest.residual),
      );
    });
    expect(worst).toBeLessThan(1e-5);
    expect(driver.cost()).toBe(5 * (1 + 1 + 1));
  });

  it("the sum that the front adds carries the embedding to its stream", async () => {
    await atEveryStep(async ({ graphs }) => {
      const { added, stream } = await graphs.front(1);
      // The embedding is equal for both halves of guidance.
      const embedded = stream.map((value, i) => value - added[i]!);
      const half = embedded.length / 2;
      expect(largestDifference(embedded.subarray(0, half), embedded.subarray(half))).toBeLessThan(1e-5);
      expect(Math.max(...added.map(Math.abs))).toBeGreaterThan(0.01);
    });
  });

  it("guidance of both halves is the prediction, and the conditional half alone is the same", async () => {
    await atEveryStep(async ({ graphs }, { guidanceScale }) => {
      const { prediction, conditional, unconditional } = await graphs.halves();
      const guided = unconditional.map((u, i) => u + guidanceScale * (conditional[i]! - u));
      expect(largestDifference(guided, prediction)).toBeLessThan(1e-5);
      expect(largestDifference(await graphs.conditional(), conditional)).toBeLessThan(1e-5);
    });
    expect(driver.cost()).toBe(5 * (1 + 0.5 + 1));
  });

  it("the only half of a video without guidance costs a whole step", async () => {
    await atEveryStep(
      async ({ graphs }, { batch }) => {
        expect(batch).toBe(1);
        const { prediction, conditional } = await graphs.halves();
        expect(conditional).toEqual(prediction);
        expect(await graphs.conditional()).toEqual(prediction);
      },
      { ...request, guidanceScale: 1 } as typeof request,
    );
    expect(driver.cost()).toBe(15);
  });

  it("the modulated input of equal latents changes with the timestep, and costs nothing", async () => {
    const inputs: Float32Array[] = [];
    await generate(async ({ latent, graphs }) => {
      inputs.push(await graphs.modulatedInput());
      return new Float32Array(latent.length);
    });
    expect(inputs[0]).toHaveLength(4 * 16 * 32);
    expect(largestDifference(inputs[0]!, inputs[4]!)).toBeGreaterThan(1e-3);
    expect(driver.cost()).toBe(0);
  });

  it("a cut that leaves nothing in front or behind is refused", async () => {
    for (const blocks of [0, 2]) {
      await expect(generate(async ({ graphs }) => (await graphs.front(blocks)).added)).rejects.toThrow(
        `a transformer of 2 blocks cannot be cut after ${blocks}`,
      );
    }
  });
});
