/**
 * Golden tables and trajectories come from diffusers 0.42.1 in float32 (tools/golden/flow_samplers.py), over
 * random predictions. Latents agree within 1e-5 of their largest value at every step.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { evenShares, samplerOf } from "../../../lib/generation/sampling/index.ts";

interface Golden {
  className: string;
  config: Record<string, unknown>;
  /** Tokens of the video, where the reference was told them. */
  tokens?: number;
  /** True if the noise levels before the shift are evenly spaced, as in LTXPipeline. */
  isEven?: boolean;
  tables: { steps: number; timesteps: number[] }[];
  trajectories: { steps: number; predictions: string; latents: string }[];
}

const file = new URL("../../golden/sampling/flow-samplers.json", import.meta.url);
const { samplers }: { samplers: Golden[] } = JSON.parse(readFileSync(file, "utf8"));
const video = { height: 480, width: 832, latentFrames: 21, tokens: 32_760 };

function decode(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, "base64")).buffer);
}

function shiftOf({ config, tokens, isEven }: Golden): string {
  const { flow_shift, shift, use_dynamic_shifting, time_shift_type, shift_terminal } = config;
  if (!tokens) return `a shift of ${flow_shift ?? shift}`;
  const kind = use_dynamic_shifting
    ? `the ${time_shift_type} shift of ${tokens} tokens`
    : `a shift of ${shift}`;
  return `${kind}, ${isEven ? "even" : "own"} levels, terminal level ${shift_terminal}`;
}

describe.each(samplers.map((golden) => ({ ...golden, shift: shiftOf(golden) })))(
  "$className with $shift",
  ({ className, config, tokens = video.tokens, isEven, tables, trajectories }) => {
    const made = samplerOf({ className, config });
    const sampler = ({ steps }: { steps: number }) =>
      made({ ...video, steps, tokens, ...(isEven && { shares: evenShares(steps, 1 / steps) }) });

    test.each(tables)(
      "the sampler gives the model the reference's timesteps in $steps steps",
      ({ steps, timesteps }) => {
        const ours = sampler({ steps }).timesteps;
        if (className === "UniPCMultistepScheduler") expect(ours).toEqual(timesteps);
        expect(ours).toHaveLength(timesteps.length);
        for (const [i, timestep] of timesteps.entries()) {
          expect(Math.abs(ours[i]! - timestep)).toBeLessThanOrEqual(1e-6 * timestep);
        }
      },
    );

    test.each(trajectories)(
      "the sampler follows the reference in $steps steps",
      ({ steps, predictions, latents }) => {
        const stepLatent = sampler({ steps }).start();
        const velocities = decode(predictions);
        const expected = decode(latents); // [steps + 1, values]
        const size = velocities.length / steps;
        const latent = expected.slice(0, size);
        for (let step = 0; step < steps; step++) {
          stepLatent(latent, velocities.subarray(step * size, (step + 1) * size), step);
          const after = expected.subarray((step + 1) * size, (step + 2) * size);
          const largest = Math.max(...after.map(Math.abs));
          const errors = Array.from(latent, (value, i) => Math.abs(value - after[i]!));
          expect(Math.max(...errors) / largest).toBeLessThan(1e-5);
        }
      },
    );

    test("the sampler keeps two generations apart", () => {
      const { steps, predictions, latents } = trajectories.find((one) => one.steps === 5)!;
      const velocities = decode(predictions);
      const size = velocities.length / steps;
      const made = sampler({ steps });
      const generations = [made.start(), made.start()].map((stepLatent) => ({
        stepLatent,
        latent: decode(latents).slice(0, size),
      }));
      for (let step = 0; step < steps; step++) {
        const velocity = velocities.subarray(step * size, (step + 1) * size);
        for (const { stepLatent, latent } of generations) stepLatent(latent, velocity, step);
      }
      expect(generations[0]!.latent).toEqual(generations[1]!.latent);
    });

    test("the sampler refuses a prediction of another length, and steps out of range", () => {
      const stepLatent = sampler({ steps: 2 }).start();
      expect(() => stepLatent(new Float32Array(4), new Float32Array(3), 0)).toThrow(/4 values.*3/);
      expect(() => sampler({ steps: 0 })).toThrow(/steps.*0/);
    });
  },
);

describe("a flow sampler", () => {
  const [uniPC] = samplers.filter(({ className }) => className === "UniPCMultistepScheduler");
  const [euler] = samplers.filter(({ className }) => className === "FlowMatchEulerDiscreteScheduler");

  test.each([
    [uniPC!, { prediction_type: "epsilon" }, /prediction_type/],
    [uniPC!, { use_flow_sigmas: false }, /use_flow_sigmas/],
    [uniPC!, { solver_order: 3, solver_type: "bh1" }, /solver_order.*solver_type/],
    [uniPC!, { lower_order_final: false }, /lower_order_final/],
    [uniPC!, { disable_corrector: [0] }, /disable_corrector/],
    [uniPC!, { flow_shift: 0 }, /flow_shift/],
    [uniPC!, { use_dynamic_shifting: true }, /use_dynamic_shifting/],
    [uniPC!, { shift_terminal: 0.1 }, /shift_terminal/],
    [euler!, { shift_terminal: 1 }, /shift_terminal/],
    [euler!, { time_shift_type: "cubic" }, /time_shift_type/],
    [euler!, { stochastic_sampling: true }, /stochastic_sampling/],
  ])(
    "a flow sampler refuses unsupported configs by the member's name: $1",
    ({ className, config }, change, message) => {
      expect(() => samplerOf({ className, config: { ...config, ...change } })).toThrow(message);
    },
  );

  test("a single step from pure noise is not stretched to the terminal level", () => {
    const config = { use_dynamic_shifting: true, shift_terminal: 0.1 };
    const sampler = samplerOf({ className: euler!.className, config });
    expect(sampler({ ...video, steps: 1 }).timesteps).toEqual([1000]);
  });

  test("a sampler that spaces its noise levels itself refuses others", () => {
    const sampler = samplerOf(uniPC!);
    expect(() => sampler({ ...video, steps: 2, shares: [1, 0.5] })).toThrow(
      "This model needs noise levels that its scheduler cannot take.",
    );
  });
});
