/**
 * Golden timesteps and trajectories come from diffusers' schedulers in float32 (tools/golden/diffusion_samplers.py).
 * Timesteps agree exactly, latents within 1e-5 of their largest value. The worst measured is 2.1e-6, over 1000 steps.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { samplerOf } from "../../../lib/generation/sampling/index.ts";

interface Run {
  className: "DDIMScheduler" | "PNDMScheduler";
  config: Record<string, unknown>;
  steps: number;
  timesteps: number[];
  final: string;
}

const file = new URL("../../golden/sampling/diffusion.json", import.meta.url);
const golden: { latent: string; predictions: string[]; runs: Run[] } = JSON.parse(readFileSync(file, "utf8"));
const predictions = golden.predictions.map(decode);
const video = { height: 64, width: 64, latentFrames: 1, tokens: 16 };

function decode(base64: string): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64, "base64")).buffer);
}

/** Steps `latent` through the whole run. */
function follow(
  { className, config, steps }: Pick<Run, "className" | "config" | "steps">,
  latent: Float32Array,
) {
  const sampler = samplerOf({ className, config })({ ...video, steps });
  const stepLatent = sampler.start();
  for (const evaluation of sampler.timesteps.keys()) {
    stepLatent(latent, predictions[evaluation % predictions.length]!, evaluation);
  }
  return sampler;
}

describe("a latent follows noise predictions as in diffusers", () => {
  const runs = golden.runs.map((run) => ({ ...run, options: JSON.stringify(run.config) }));

  it.each(runs)(
    "a latent follows the noise predictions as in diffusers with $className, $steps steps and $options",
    ({ timesteps, final, ...run }) => {
      const latent = decode(golden.latent);
      expect(follow(run, latent).timesteps).toEqual(timesteps);
      const expected = decode(final);
      const largest = Math.max(...expected.map(Math.abs));
      const errors = Array.from(latent, (value, index) => Math.abs(value - expected[index]!));
      expect(Math.max(...errors) / largest).toBeLessThan(1e-5);
    },
  );
});

describe("samplers of models that predict noise", () => {
  it.each(["DDIMScheduler", "PNDMScheduler"] as const)(
    "the sampler starts anew for every generation: %s",
    (className) => {
      const run = { className, config: {}, steps: 8 };
      const sampler = samplerOf(run)({ ...video, steps: 8 });
      const abandoned = sampler.start();
      abandoned(decode(golden.latent), predictions[1]!, 0);
      const latent = decode(golden.latent);
      const stepLatent = sampler.start();
      for (const evaluation of sampler.timesteps.keys()) {
        stepLatent(latent, predictions[evaluation % predictions.length]!, evaluation);
      }
      const alone = decode(golden.latent);
      follow(run, alone);
      expect(latent).toEqual(alone);
    },
  );

  it("samplers do not hold on to a prediction, whose memory the next one may take", () => {
    const run = { className: "PNDMScheduler", config: {}, steps: 9 } as const;
    const latent = decode(golden.latent);
    const shared = new Float32Array(latent.length);
    const sampler = samplerOf(run)({ ...video, steps: 9 });
    const stepLatent = sampler.start();
    for (const evaluation of sampler.timesteps.keys()) {
      shared.set(predictions[evaluation % predictions.length]!);
      stepLatent(latent, shared, evaluation);
    }
    const expected = decode(golden.latent);
    follow(run, expected);
    expect(latent).toEqual(expected);
  });

  it("DDIM clips the clean latent unless its configuration says otherwise, as the class does", () => {
    const results = [{}, { clip_sample: true }, { clip_sample: false }].map((config) => {
      const latent = decode(golden.latent);
      follow({ className: "DDIMScheduler", config, steps: 5 }, latent);
      return latent;
    });
    expect(results[0]).toEqual(results[1]);
    expect(results[0]).not.toEqual(results[2]);
    expect(Math.max(...results[0]!.map(Math.abs))).toBeLessThanOrEqual(1);
  });

  it("samplers refuse configs of other formulas by the member's name", () => {
    const faults: [config: object, member: string][] = [
      [{ prediction_type: "v_prediction" }, "prediction_type"],
      [{ beta_schedule: "squaredcos_cap_v2" }, "beta_schedule"],
      [{ timestep_spacing: "linspace" }, "timestep_spacing"],
      [{ trained_betas: [0.1] }, "trained_betas"],
      [{ rescale_betas_zero_snr: true }, "rescale_betas_zero_snr"],
      [{ thresholding: true }, "thresholding"],
      [{ num_train_timesteps: 1e9 }, "num_train_timesteps"],
      [{ beta_start: 0 }, "beta_start"],
      [{ beta_end: 1 }, "beta_end"],
      [{ steps_offset: -1 }, "steps_offset"],
    ];
    for (const className of ["DDIMScheduler", "PNDMScheduler"]) {
      for (const [config, member] of faults) {
        expect(() => samplerOf({ className, config })).toThrow(new RegExp(`^${member} (is|must be) `));
      }
    }
  });

  it("samplers refuse more steps than the model was trained with, and too few for Runge-Kutta", () => {
    const ddim = samplerOf({ className: "DDIMScheduler", config: { num_train_timesteps: 20 } });
    expect(() => ddim({ ...video, steps: 21 })).toThrow(/^steps must be fewer: .*20, got 21$/);
    const offset = samplerOf({ className: "DDIMScheduler", config: { steps_offset: 1 } });
    expect(() => offset({ ...video, steps: 1000 })).toThrow(/^steps must be fewer/);
    const pndm = samplerOf({ className: "PNDMScheduler", config: {} });
    expect(() => pndm({ ...video, steps: 3 })).toThrow(/^steps must be at least 4 .*, got 3$/);
    expect(() => pndm({ ...video, steps: 2.5 })).toThrow(/^steps must be a whole number/);
  });

  it("samplers refuse a prediction of another length", () => {
    for (const className of ["DDIMScheduler", "PNDMScheduler"]) {
      const stepLatent = samplerOf({ className, config: {} })({ ...video, steps: 5 }).start();
      expect(() => stepLatent(new Float32Array(4), new Float32Array(3), 0)).toThrow(RangeError);
    }
  });
});
