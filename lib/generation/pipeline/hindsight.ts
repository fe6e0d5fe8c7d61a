import type { CleanEstimate, Sampler, SamplerStep } from "../sampling/index.ts";

/**
 * Corrects reused steps in hindsight. A reused step has to forecast. Once the next step is computed, the clean latents
 * at both ends of the reused steps are known, and what lies between can be interpolated, with a fraction of the error.
 * So the sampler goes back to the last computed step and takes the reused steps again, which costs no run of a graph.
 *
 * This is the corrector of a predictor-corrector method, as UniPC (arXiv 2302.04867) has one for whole steps. It works
 * on clean latents, because these depend least on the latent that a prediction was made from.
 */

/** Computed step, as it was before the sampler took it. */
export interface ComputedStep {
  readonly step: number;
  readonly latent: Float32Array;
  readonly sampler: SamplerStep;
  readonly prediction: Float32Array;
}

/** Returns the clean latent that a prediction implies. */
export function cleanLatent(
  latent: Float32Array,
  prediction: Float32Array,
  { latent: kept, prediction: added }: CleanEstimate,
): Float32Array {
  const clean = new Float32Array(latent.length);
  for (let i = 0; i < clean.length; i++) clean[i] = kept * latent[i]! + added * prediction[i]!;
  return clean;
}

/** Returns the prediction that implies a clean latent. */
export function predictionOf(
  latent: Float32Array,
  clean: Float32Array,
  { latent: kept, prediction: added }: CleanEstimate,
): Float32Array {
  const prediction = new Float32Array(latent.length);
  for (let i = 0; i < clean.length; i++) prediction[i] = (clean[i]! - kept * latent[i]!) / added;
  return prediction;
}

/**
 * Takes the steps from a computed one up to `end` again, in place. Returns the sampler as it is before `end`, and the
 * prediction there that implies the clean latent which was computed.
 *
 * @param from last computed step
 * @param end newly computed step, exclusive
 * @param latent becomes the corrected latent before `end`
 * @param cleanLatents those of `end`, of `from`, and of earlier computed steps
 * @param weightsAt weights of these at a reused step
 */
export function takeAgain(
  { clean }: Sampler,
  from: ComputedStep,
  {
    end,
    latent,
    cleanLatents,
    weightsAt,
  }: {
    readonly end: number;
    readonly latent: Float32Array;
    readonly cleanLatents: readonly Float32Array[];
    readonly weightsAt: (step: number) => readonly number[];
  },
): { readonly take: SamplerStep; readonly prediction: Float32Array } {
  const take = from.sampler.fork();
  latent.set(from.latent);
  take(latent, from.prediction, from.step);
  for (let step = from.step + 1; step < end; step++) {
    const between = weightedSum(cleanLatents, weightsAt(step));
    take(latent, predictionOf(latent, between, clean[step]!), step);
  }
  return { take, prediction: predictionOf(latent, cleanLatents[0]!, clean[end]!) };
}

function weightedSum(tensors: readonly Float32Array[], weights: readonly number[]): Float32Array {
  const sum = new Float32Array(tensors[0]!.length);
  for (const [which, weight] of weights.entries()) {
    const tensor = tensors[which]!;
    for (let i = 0; i < sum.length; i++) sum[i]! += weight * tensor[i]!;
  }
  return sum;
}
