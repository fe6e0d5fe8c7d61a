/**
 * Samplers of distilled models. Golden trajectories come from tools/golden/few_step_samplers.py: Euler over a list of
 * noise levels from diffusers 0.42.1, DMD from its formula. Latents agree within 1e-5 of their largest value.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { gaussianNoise, samplerOf } from "../../../lib/generation/sampling/index.ts";

interface Golden {
  readonly className: string;
  readonly config: { readonly sigmas?: readonly number[] };
  readonly timesteps: readonly number[];
  readonly seed: number;
  readonly predictions: string;
  readonly latents: string;
}

const file = new URL("../../golden/sampling/few-steps.json", import.meta.url);
const { samplers }: { samplers: Golden[] } = JSON.parse(readFileSync(file, "utf8"));
const video = { height: 480, width: 832, latentFrames: 21, tokens: 1 };
const lightning = {
  className: "FlowMatchEulerDiscreteScheduler",
  config: { shift: 5, sigmas: [1, 0.75, 0.5, 0.25] },
};
const dmd = { className: "DMDScheduler", config: {} };

function decode(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, "base64")).buffer);
}

describe("a sampler of few steps", () => {
  test.each(samplers)(
    "$className with $config goes the way of its reference",
    ({ className, config, timesteps, seed, predictions, latents }) => {
      const steps = timesteps.length;
      const sampler = samplerOf({ className, config })({ ...video, steps, seed });
      for (const [i, timestep] of timesteps.entries())
        expect(Math.abs(sampler.timesteps[i]! - timestep)).toBeLessThanOrEqual(1e-6 * timestep);
      const velocities = decode(predictions);
      const expected = decode(latents); // [steps + 1, values]
      const size = velocities.length / steps;
      const latent = expected.slice(0, size);
      const take = sampler.start();
      for (let step = 0; step < steps; step++) {
        take(latent, velocities.subarray(step * size, (step + 1) * size), step);
        const after = expected.subarray((step + 1) * size, (step + 2) * size);
        const largest = Math.max(...after.map(Math.abs));
        const errors = Array.from(latent, (value, i) => Math.abs(value - after[i]!));
        expect(Math.max(...errors) / largest).toBeLessThan(1e-5);
      }
    },
  );

  test("the four levels of Lightning, shifted by 5, put two steps on each side of Wan 2.2's boundaries", () => {
    const { timesteps } = samplerOf(lightning)({ ...video, steps: 4 });
    expect(timesteps.map((timestep) => timestep >= 875)).toEqual([true, true, false, false]);
    expect(timesteps.map((timestep) => timestep >= 900)).toEqual([true, true, false, false]);
  });

  test.each([lightning, dmd])("$className has no other number of steps than its list", (scheduler) => {
    const sampler = samplerOf(scheduler);
    const listed = scheduler === dmd ? 3 : 4;
    expect(() => sampler({ ...video, steps: 50 })).toThrow(
      `this model was distilled to make videos in ${listed} steps: leave steps out, or ask for ${listed} instead of 50`,
    );
  });

  test.each([
    [[0.5, 0.75], /sigmas must descend from step to step/],
    [[], /sigmas/],
    [[1, 0], /sigmas/],
    [[2, 1], /sigmas/],
  ])("noise levels that no flow passes are refused: %j", (sigmas, message) => {
    expect(() => samplerOf({ ...lightning, config: { sigmas } })).toThrow(message);
    expect(() => samplerOf({ ...dmd, config: { sigmas } })).toThrow(message);
  });
});

describe("fresh noise", () => {
  const run = { ...video, steps: 3 };
  const lastLatent = (seed: number, steps = 2) => {
    const take = samplerOf(dmd)({ ...run, seed }).start();
    const latent = Float32Array.of(1, -1, 0.5, 0.25);
    for (let step = 0; step < steps; step++) take(latent, Float32Array.of(1, 2, 3, 4), step);
    return latent;
  };

  test("fresh noise is the same for the same seed, and other noise for another", () => {
    expect(lastLatent(7)).toEqual(lastLatent(7));
    expect(lastLatent(7)).not.toEqual(lastLatent(8));
  });

  test("fresh noise is drawn from another stream at each step, none of which is the noise at the start", () => {
    const streams = [0, 1, 2].map((stream) => gaussianNoise(7, 4, stream).join());
    expect(new Set(streams).size).toBe(3);
    expect(gaussianNoise(7, 4)).toEqual(gaussianNoise(7, 4, 0));
  });

  test("a step is tried again with the same noise", () => {
    const take = samplerOf(dmd)({ ...run, seed: 7 }).start();
    const made = [take, take.fork()].map((step) => {
      const latent = Float32Array.of(1, -1);
      step(latent, Float32Array.of(3, 4), 0);
      return latent;
    });
    expect(made[0]).toEqual(made[1]);
  });
});
