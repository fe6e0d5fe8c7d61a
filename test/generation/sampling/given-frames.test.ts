/** Golden latents of three steps come from Open-Sora's own sampler with a mask (tools/golden/rectified_flow.py). */
import { readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { OPEN_SORA_FLOW, rectifiedFlow, withGivenFrames } from "../../../lib/generation/sampling/index.ts";

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
