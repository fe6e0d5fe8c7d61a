/** Corrections in hindsight with every sampler, on toy models whose predictions are known functions of the latent. */
import { describe, expect, test } from "vitest";
import { cleanLatent, predictionOf, takeAgain } from "../../../lib/generation/pipeline/hindsight.ts";
import { gaussianNoise, type Sampler, samplerOf } from "../../../lib/generation/sampling/index.ts";

const video = { height: 64, width: 64, latentFrames: 4, tokens: 64, steps: 12 };
const SAMPLERS = [
  { className: "RFlowScheduler", config: {} },
  { className: "FlowMatchEulerDiscreteScheduler", config: { shift: 3 } },
  {
    className: "UniPCMultistepScheduler",
    config: { use_flow_sigmas: true, prediction_type: "flow_prediction", flow_shift: 3 },
  },
  { className: "DDIMScheduler", config: { clip_sample: false } },
  { className: "PNDMScheduler", config: {} },
  { className: "PNDMScheduler", config: { skip_prk_steps: true } },
].map((scheduler) => ({
  ...scheduler,
  options: JSON.stringify(scheduler.config),
  sampler: samplerOf(scheduler)(video),
}));

const SIZE = 32;
const target = gaussianNoise(7, SIZE);

/** Predicts as a model whose clean latent bends smoothly with the noise level and depends little on the latent. */
function predict(sampler: Sampler, latent: Float32Array, step: number): Float32Array {
  const level = sampler.noiseLevels[step]!;
  const clean = target.map(
    (value, i) => value * (1 - level ** 2) + 0.3 * Math.sin(3 * level + i) + 0.02 * latent[i]!,
  );
  return predictionOf(latent, clean, sampler.clean[step]!);
}

/** Denoises all steps up to `end`, exclusive, and reuses the clean latent of `from` after it. */
function denoise(sampler: Sampler, from: number, end: number, isReused: boolean) {
  const latent = gaussianNoise(3, SIZE);
  const take = sampler.start();
  for (let step = 0; step < from; step++) take(latent, predict(sampler, latent, step), step);
  const computed = {
    step: from,
    latent: latent.slice(),
    sampler: take.fork(),
    prediction: predict(sampler, latent, from),
  };
  const clean = cleanLatent(latent, computed.prediction, sampler.clean[from]!);
  take(latent, computed.prediction, from);
  for (let step = from + 1; step < end; step++) {
    const { [step]: estimate } = sampler.clean;
    take(latent, isReused ? predictionOf(latent, clean, estimate!) : predict(sampler, latent, step), step);
  }
  return { latent, take, computed, clean };
}

const distance = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((value, i) => value - b[i]!));

describe.each(SAMPLERS)("hindsight with $className $options", ({ sampler }) => {
  test("the clean latent of a prediction implies that prediction", () => {
    for (const [step, estimate] of sampler.clean.entries()) {
      const [latent, prediction] = [gaussianNoise(step, SIZE), gaussianNoise(step + 100, SIZE)];
      const again = predictionOf(latent, cleanLatent(latent, prediction, estimate), estimate);
      const scale = 1 + Math.abs(estimate.latent / estimate.prediction);
      expect(distance(again, prediction)).toBeLessThan(1e-6 * scale * SIZE);
    }
  });

  test("steps that are taken again from a fork with the same predictions give the same latent, bit by bit", () => {
    const steps = sampler.timesteps.length;
    for (let from = 0; from < steps; from++) {
      const latent = gaussianNoise(3, SIZE);
      const take = sampler.start();
      for (let step = 0; step < from; step++) take(latent, predict(sampler, latent, step), step);
      const [before, fork] = [latent.slice(), take.fork()];
      const predictions: Float32Array[] = [];
      for (let step = from; step < steps; step++) {
        predictions.push(predict(sampler, latent, step));
        take(latent, predictions.at(-1)!, step);
      }
      // The fork is not affected by the steps that were taken, and can be forked once more.
      for (const again of [fork.fork(), fork]) {
        const second = before.slice();
        for (const [i, prediction] of predictions.entries()) again(second, prediction, from + i);
        expect(second).toEqual(latent);
      }
    }
  });

  test("corrected steps come closer to the fully computed ones", () => {
    for (const from of [1, 4, 7]) {
      const end = from + 3;
      const exact = denoise(sampler, from, end, false);
      const reused = denoise(sampler, from, end, true);
      const prediction = predict(sampler, reused.latent, end);
      const cleanEnd = cleanLatent(reused.latent, prediction, sampler.clean[end]!);
      const [start, last] = [sampler.noiseLevels[from]!, sampler.noiseLevels[end]!];
      const corrected = reused.latent.slice();
      const again = takeAgain(sampler, reused.computed, {
        end,
        latent: corrected,
        cleanLatents: [cleanEnd, reused.clean],
        weightsAt(step) {
          const share = start === last ? 1 : (start - sampler.noiseLevels[step]!) / (start - last);
          return [share, 1 - share];
        },
      });
      const before = distance(reused.latent, exact.latent);
      if (before > 1e-6) expect(distance(corrected, exact.latent)).toBeLessThan(0.6 * before);
      // The prediction is taken over as its clean latent.
      const implied = cleanLatent(corrected, again.prediction, sampler.clean[end]!);
      expect(distance(implied, cleanEnd)).toBeLessThan(
        1e-4 * (1 + distance(cleanEnd, new Float32Array(SIZE))),
      );
      const after = corrected.slice();
      again.take(after, again.prediction, end);
      expect(after.every(Number.isFinite)).toBe(true);
    }
  });

  test("the noise level never rises, and begins at nearly pure noise", () => {
    const { noiseLevels, timesteps, clean } = sampler;
    expect([noiseLevels.length, clean.length]).toEqual([timesteps.length, timesteps.length]);
    expect(noiseLevels).toEqual(noiseLevels.toSorted((a, b) => b - a));
    expect(noiseLevels[0]).toBeGreaterThan(0.9);
    for (const { prediction } of clean) expect(prediction).not.toBe(0);
  });
});
