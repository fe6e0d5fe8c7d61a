import { describe, expect, test } from "vitest";
import { linearSteps, samplerOf } from "../../../lib/generation/sampling/index.ts";

const STEPS = 12;
const video = { steps: STEPS, height: 480, width: 854, latentFrames: 15, tokens: 1 };

/** Samplers whose steps are held to their references elsewhere. */
const linear = [
  ["RFlowScheduler", {}],
  ["FlowMatchEulerDiscreteScheduler", { shift: 3 }],
  ["DDIMScheduler", { clip_sample: false }],
  ["DDIMScheduler", { clip_sample: false, timestep_spacing: "trailing", set_alpha_to_one: false }],
] as const;

describe("linear steps", () => {
  test.each(linear)("the linear steps of %s with %j are those that it takes", (className, config) => {
    const sampler = samplerOf({ className, config })(video);
    const latent = Float32Array.of(1, -0.5, 0.25);
    const take = sampler.start();
    const steps = linearSteps(sampler);
    expect(steps).toHaveLength(sampler.timesteps.length);
    for (const [i, step] of steps.entries()) {
      const prediction = Float32Array.from(latent, (_, k) => Math.sin(i + 2 * k));
      const expected = latent.map((value, k) => step.latent * value + step.prediction * prediction[k]!);
      take(latent, prediction, i);
      expect(latent).toEqual(expected);
    }
  });

  test.each([
    ["PNDMScheduler", {}],
    ["DDIMScheduler", { clip_sample: true }],
    ["UniPCMultistepScheduler", { use_flow_sigmas: true, prediction_type: "flow_prediction" }],
  ])("a sampler that needs earlier predictions, or clips, has no linear steps: %s", (className, config) => {
    const sampler = samplerOf({ className, config })(video);
    expect(sampler.linear).toBeUndefined();
    expect(() => linearSteps(sampler)).toThrow(
      "The steps of this sampler are not linear, so they have to be taken one by one.",
    );
  });
});
