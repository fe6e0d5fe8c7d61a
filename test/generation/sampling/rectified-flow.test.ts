/**
 * Golden tables and trajectories come from Open-Sora's own sampler in float32
 * (tools/golden/rectified_flow.py); ours is float64, so timesteps agree within 1e-6 relative, sums of deltas
 * within 1e-6, and latents within 1e-6 of their largest value.
 */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OPEN_SORA_FLOW, rectifiedFlow } from "../../../lib/generation/sampling/index.ts";

interface Size {
  height: number;
  width: number;
  latentFrames: number;
}
interface Table extends Size {
  transform: boolean;
  timesteps: number[];
  sumOfDeltas: number;
}
interface Trajectory extends Size {
  guidance: number;
  latent: string;
  velocities: string[];
  final: string;
}

const file = new URL("../../golden/sampling/rectified-flow.json", import.meta.url);
const golden: { tables: Table[]; trajectories: Trajectory[] } = JSON.parse(readFileSync(file, "utf8"));
const video = { height: 480, width: 854, latentFrames: 15, config: OPEN_SORA_FLOW };

function decode(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, "base64")).buffer);
}

describe("the table", () => {
  test.each(golden.tables)(
    "the table of $timesteps.length steps at $height x $width x $latentFrames, transform $transform, is Open-Sora's",
    ({ transform, timesteps, sumOfDeltas, ...size }) => {
      const config = { ...OPEN_SORA_FLOW, use_timestep_transform: transform };
      const table = rectifiedFlow({ ...size, steps: timesteps.length, config });
      expect(table.timesteps).toHaveLength(timesteps.length);
      for (const [step, timestep] of timesteps.entries()) {
        expect(Math.abs(table.timesteps[step]! / timestep - 1)).toBeLessThan(1e-6);
      }
      const sum = table.deltas.reduce((total, delta) => total + delta, 0);
      expect(Math.abs(sum - sumOfDeltas)).toBeLessThan(1e-6);
    },
  );

  test("the table falls from pure noise with positive deltas that add up to 1, and ends with the last timestep's own", () => {
    const size = fc.integer({ min: 1, max: 4096 });
    const run = fc.record({
      steps: fc.integer({ min: 1, max: 1000 }),
      height: size,
      width: size,
      latentFrames: fc.integer({ min: 1, max: 200 }),
    });
    fc.assert(
      fc.property(run, (run) => {
        const { timesteps, deltas } = rectifiedFlow({ ...run, config: OPEN_SORA_FLOW });
        expect(timesteps[0]).toBe(1000);
        expect(deltas.every((delta) => delta > 0)).toBe(true);
        expect(deltas.reduce((sum, delta) => sum + delta, 0)).toBeCloseTo(1, 12);
        expect(deltas.at(-1)).toBeCloseTo(timesteps.at(-1)! / 1000, 12);
      }),
    );
  });

  test("the table stays longer near the noise the larger the video is", () => {
    const middle = (latentFrames: number) =>
      rectifiedFlow({ ...video, latentFrames, steps: 30 }).timesteps[15]!;
    expect(middle(30)).toBeGreaterThan(middle(15));
  });

  test("the table is not shifted at the base resolution with the base number of frames", () => {
    const { timesteps } = rectifiedFlow({
      steps: 4,
      height: 64,
      width: 64,
      latentFrames: 16,
      config: { ...OPEN_SORA_FLOW, base_resolution: 64 * 64, base_num_frames: 16 },
    });
    expect(timesteps).toEqual([1000, 750, 500, 250]);
  });

  test.each([0, -1, 1001, 10000, 2.5, Number.NaN])(
    "a table of %d steps is refused in words for a user",
    (steps) => {
      expect(() => rectifiedFlow({ ...video, steps })).toThrow(
        new RangeError(`steps must be a whole number from 1 to 1000, got ${steps}`),
      );
    },
  );

  test("a table for a video without extent is refused", () => {
    expect(() => rectifiedFlow({ ...video, steps: 30, height: 0 })).toThrow(/^height must be a whole number/);
    expect(() => rectifiedFlow({ ...video, steps: 30, latentFrames: 1.5 })).toThrow(/^latentFrames must be/);
  });
});

describe("Euler steps", () => {
  test.each(golden.trajectories)(
    "Euler steps with guidance $guidance at $height x $width follow Open-Sora's",
    ({ guidance, latent, velocities, final, ...size }) => {
      const sampler = rectifiedFlow({ ...size, steps: velocities.length, config: OPEN_SORA_FLOW });
      const stepLatent = sampler.start();
      const z = decode(latent);
      for (const [step, text] of velocities.entries()) {
        const both = decode(text);
        const [conditional, unconditional] = [both.subarray(0, z.length), both.subarray(z.length)];
        const guided = unconditional.map((value, index) => value + guidance * (conditional[index]! - value));
        stepLatent(z, guided, step);
      }
      const expected = decode(final);
      const largest = Math.max(...expected.map(Math.abs));
      const errors = Array.from(z, (value, index) => Math.abs(value - expected[index]!));
      expect(Math.max(...errors) / largest).toBeLessThan(1e-6);
    },
  );

  test("Euler steps refuse a velocity of another length", () => {
    const stepLatent = rectifiedFlow({ ...video, steps: 1, config: OPEN_SORA_FLOW }).start();
    expect(() => stepLatent(new Float32Array(4), new Float32Array(3), 0)).toThrow(
      /latent has 4 values and the prediction 3/,
    );
  });
});
