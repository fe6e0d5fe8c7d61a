import { setImmediate } from "node:timers/promises";
import { type CachePolicy, type GenerationFacts, type TraceStep, traceStep } from "../caching/index.ts";
import { cutNames, stepFeeds } from "../models/index.ts";
import type { Sampler } from "../sampling/index.ts";
import { type Denoiser, floats, floatsOf } from "./denoiser.ts";
import { CancelledError } from "./errors.ts";
import { checkFinite } from "./finite.ts";
import { cleanLatent, takeAgain } from "./hindsight.ts";
import { compute, dropLargest, type Kept, keepCleanLatent, nothingKept, reuse } from "./kept.ts";
import type { StepEstimate } from "./previews.ts";
import { computedSignals, latentSignals, needsCleanLatents } from "./signals.ts";

export interface DenoiseOptions extends Denoiser {
  /** Transformer for timesteps under `below`; opened when denoising first reaches such a timestep. */
  readonly successor?: { readonly below: number; open(): Promise<Denoiser> } | undefined;
  readonly sampler: Sampler;
  readonly policy: CachePolicy;
  /** Facts that were measured about the model before, as far as they hold for this generation. */
  readonly known?: Partial<Pick<GenerationFacts, "stepSeconds">>;
  /** Noise [1, C, F, H, W], which becomes the latent of the video in place. */
  readonly latent: Float32Array;
  /** Seconds that all steps may take together, for policies that plan by time; no limit when left out. */
  readonly secondsAvailable?: number | undefined;
  readonly signal?: AbortSignal;
  /** Called after every denoising step. */
  readonly onStep?: (step: DenoisedStep) => void;
  /** Called with the prediction of every denoising step, before the sampler takes the step; it changes neither. */
  readonly onEstimate?: ((estimate: StepEstimate) => void) | undefined;
}

export interface DenoisedStep {
  readonly trace: TraceStep;
  readonly seconds: number;
}

const REMEDY = ", or on a GPU need PRECISION=float32";

/**
 * Runs the sampler from noise to the final latent. A computed step runs the whole transformer and keeps its residual; a
 * reused step adds that residual instead of running the blocks.
 *
 * Only this file holds residual and probe, so they are freed when the generation ends, fails or is cancelled. When
 * a second transformer takes over, they are dropped and the policy starts afresh, because residual, probe and the
 * policy's state belong to the first one.
 *
 * @throws CancelledError between two steps once `signal` is aborted, GenerationError if a prediction or the final
 *   latent holds numbers that are not finite
 */
export async function denoise(options: DenoiseOptions): Promise<DenoisedStep[]> {
  const begun: Kept[] = [];
  try {
    return await takeSteps(options, begun);
  } finally {
    begun.forEach(dropLargest);
  }
}

/** @param begun filled with what each transformer keeps */
async function takeSteps(options: DenoiseOptions, begun: Kept[]): Promise<DenoisedStep[]> {
  const { policy, sampler, signal, successor } = options;
  const { channels, frames, height, width } = options.transformer.latent;
  const latent = floats(options.latent, [1, channels, frames, height, width]);
  const steps: DenoisedStep[] = [];
  const start = (denoiser: Denoiser) => {
    const cache = policy.start(sampler.timesteps.length, {
      noiseLevels: sampler.noiseLevels,
      ...options.known,
      firstStep: steps.length,
      computedBefore: steps.filter(({ trace }) => trace.computed).length,
    });
    const kept = nothingKept(denoiser, policy);
    begun.push(kept);
    return { denoiser, cache, kept };
  };

  let { denoiser, cache, kept } = start(options);
  const clock = stopwatch(options.secondsAvailable);
  let take = sampler.start();
  let previousLatent: Float32Array | null = null;
  const comparesCleanLatents = needsCleanLatents(policy.signals);
  for (const [denoisingStep, timestep] of sampler.timesteps.entries()) {
    await pauseUnlessCancelled(signal);
    if (successor && denoiser === options && timestep < successor.below) {
      // Frees the memory that they take before the second transformer needs it.
      dropLargest(kept);
      ({ denoiser, cache, kept } = start(await successor.open()));
    }
    const { transformer, sessions, guidanceScale } = denoiser;
    const started = performance.now();
    const feeds = {
      ...denoiser.feeds,
      ...stepFeeds(transformer.conditions, timestep),
      [cutNames.latent]: latent,
      [cutNames.guidanceScale]: floats(Float32Array.of(guidanceScale), []),
    };
    const ahead = latentSignals(policy.signals, previousLatent, options.latent);
    const { answer, weights, next } = cache.ask({ denoisingStep, ...clock(), ...ahead });
    cache = next;
    const isFirst = kept.residuals.length === 0;
    let prediction: Float32Array;
    let trace: TraceStep;
    if (isFirst || answer !== "reuse") {
      const out = await compute(sessions, feeds, kept);
      prediction = floatsOf(out[cutNames.prediction]!);
      if (comparesCleanLatents) {
        keepCleanLatent(kept, cleanLatent(options.latent, prediction, sampler.clean[denoisingStep]!));
      }
      const computed = { transformer, out, isFirst, prediction, latent: options.latent, kept };
      const told = cache.tell(denoisingStep, computedSignals(policy.signals, computed));
      cache = told.next;
      if (policy.signals.includes("predictionChange")) kept.prediction = prediction;
      if (policy.signals.includes("latentDistance")) kept.latent = options.latent.slice();
      const { lastComputed: last, cleanLatents } = kept;
      if (told.correction && last && last.step < denoisingStep - 1) {
        const again = {
          end: denoisingStep,
          latent: options.latent,
          cleanLatents,
          weightsAt: told.correction,
        };
        ({ take, prediction } = takeAgain(sampler, last, again));
      }
      if (comparesCleanLatents) {
        const before = { step: denoisingStep, latent: options.latent.slice(), sampler: take.fork() };
        kept.lastComputed = { ...before, prediction };
      }
      trace = traceStep(policy, denoisingStep, told.values, answer === "compute early");
    } else {
      prediction = await reuse(sessions, feeds, kept, weights);
      trace = traceStep(policy, denoisingStep, null);
    }
    const evaluation = `denoising step ${denoisingStep + 1} of ${sampler.timesteps.length}`;
    checkFinite(prediction, { subject: `The transformer at ${evaluation}`, remedy: REMEDY });
    // A correction in hindsight moves the latent, which is no change that this step makes.
    if (policy.signals.includes("latentChange")) previousLatent = options.latent.slice();
    options.onEstimate?.({
      denoisingStep,
      latent: options.latent,
      prediction,
      clean: sampler.clean[denoisingStep]!,
    });
    take(options.latent, prediction, denoisingStep);
    const step = { trace, seconds: (performance.now() - started) / 1000 };
    steps.push(step);
    options.onStep?.(step);
  }
  checkFinite(options.latent, { subject: "The last denoising step", remedy: REMEDY });
  return steps;
}

/**
 * Yields to the event loop, which a running graph blocks, so that messages and abort signals are handled.
 *
 * @throws CancelledError once `signal` is aborted
 */
export async function pauseUnlessCancelled(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  if (signal?.aborted) throw new CancelledError();
}

/** Starts a clock that tells the seconds spent since this call and the seconds left of the limit. */
function stopwatch(secondsAvailable: number | undefined) {
  const begun = performance.now();
  return () => {
    const secondsSpent = (performance.now() - begun) / 1000;
    return {
      secondsSpent,
      secondsLeft: secondsAvailable === undefined ? null : secondsAvailable - secondsSpent,
    };
  };
}
