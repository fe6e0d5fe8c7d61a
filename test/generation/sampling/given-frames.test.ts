/** Golden latents of three steps come from Open-Sora's own sampler with a mask (tools/golden/rectified_flow.py). */
import { readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import {
  gaussianNoise,
  OPEN_SORA_FLOW,
  rectifiedFlow,
  withGivenFrames,
  withNoisyFrames,
} from "../../../lib/generation/sampling/index.ts";

interface Case {
  height: number;
  width: number;
  latentFrames: number;
  given: number;
  guidance: number;
  velocities: string[];
  /** Inputs of the model at each step, and the final latent [4, 3, 3, 2]. */
  latents: string[];
}

const file = new URL("../../golden/sampling/rectified-flow.json", import.meta.url);
const { givenFrames }: { givenFrames: Case[] } = JSON.parse(readFileSync(file, "utf8"));
const shape = { channels: 4, frames: 3 };

function decode(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, "base64")).buffer);
}

describe("steps beside given frames", () => {
  test.each(givenFrames)(
    "steps with $given given frames are Open-Sora's",
    ({ given, guidance, velocities, latents, ...size }) => {
      const [start, ...expected] = latents.map(decode) as [Float32Array, ...Float32Array[]];
      const flow = rectifiedFlow({ ...size, steps: velocities.length, config: OPEN_SORA_FLOW });
      const step = withGivenFrames(flow, { ...shape, given }).start();
      const z = start.slice();
      for (const [evaluation, text] of velocities.entries()) {
        const both = decode(text);
        const [conditional, unconditional] = [both.subarray(0, z.length), both.subarray(z.length)];
        const guided = unconditional.map((value, index) => value + guidance * (conditional[index]! - value));
        step(z, guided, evaluation);
        const errors = z.map((value, index) => Math.abs(value - expected[evaluation]![index]!));
        expect(Math.max(...errors) / Math.max(...z.map(Math.abs))).toBeLessThan(1e-6);
      }
      const isGiven = (index: number) => Math.floor(index / 6) % shape.frames < given;
      expect(z.filter((_, index) => isGiven(index))).toEqual(start.filter((_, index) => isGiven(index)));
    },
  );

  test("steps with given frames have the sampler's timesteps, and separate state for each generation", () => {
    const size = { height: 64, width: 64, latentFrames: 3 };
    const flow = rectifiedFlow({ ...size, steps: 2, config: OPEN_SORA_FLOW });
    const start = vi.fn(flow.start);
    const sampler = withGivenFrames({ ...flow, start }, { ...shape, given: 1 });
    expect(sampler.timesteps).toEqual(flow.timesteps);
    sampler.start();
    sampler.start();
    expect(start).toHaveBeenCalledTimes(2);
  });
});

describe("steps beside given frames with noise", () => {
  const size = { height: 64, width: 64, latentFrames: 3 };
  const flow = rectifiedFlow({ ...size, steps: 3, config: OPEN_SORA_FLOW });
  const [scale, seed, area] = [0.5, 7, 2];
  const clean = gaussianNoise(1, 4 * 3 * area);
  const velocity = gaussianNoise(2, clean.length);
  const isGiven = (index: number) => Math.floor(index / area) % shape.frames === 0;

  function begun() {
    const latent = clean.slice();
    return { latent, sampler: withNoisyFrames(flow, latent, { ...shape, given: 1, scale, seed }) };
  }

  /** Returns the given frame before an evaluation. */
  function expected(evaluation: number): number[] {
    const noise = gaussianNoise(seed, 4 * area, 2 ** 31 + evaluation);
    const share = scale * flow.noiseLevels[evaluation]! ** 2;
    return Array.from(
      clean.filter((_, i) => isGiven(i)),
      (value, i) => Math.fround(value + share * noise[i]!),
    );
  }

  test("a given frame has noise of its own before each evaluation, and the last of it in the end", () => {
    const { latent, sampler } = begun();
    const step = sampler.start();
    for (const evaluation of [0, 1, 2]) {
      expect([...latent.filter((_, i) => isGiven(i))]).toEqual(expected(evaluation));
      step(latent, velocity, evaluation);
    }
    expect([...latent.filter((_, i) => isGiven(i))]).toEqual(expected(2));
  });

  test("frames that are not given take the sampler's steps, and a fork takes them again", () => {
    const { latent, sampler } = begun();
    const [step, free, alone] = [sampler.start(), flow.start(), clean.slice()];
    const fork = step.fork();
    const again = latent.slice();
    step(latent, velocity, 0);
    fork(again, velocity, 0);
    free(alone, velocity, 0);
    expect(again).toEqual(latent);
    expect(latent.filter((_, i) => !isGiven(i))).toEqual(alone.filter((_, i) => !isGiven(i)));
  });

  test("steps that add noise are not linear, so that no graph takes them", () => {
    expect(flow.linear).toBeDefined();
    expect(begun().sampler.linear).toBeUndefined();
  });
});
