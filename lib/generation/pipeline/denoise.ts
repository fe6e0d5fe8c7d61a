import { setImmediate } from "node:timers/promises";
import { type CachePolicy, type GenerationFacts, type TraceStep, traceStep } from "../caching/index.ts";
import {
  comparesProbes,
  cutNames,
  type DiffusionTransformer,
  type Feeds,
  type GraphSignalName,
  guidanceBatch,
  stepFeeds,
} from "../models/index.ts";
import type { Session, Tensor } from "../onnx/index.ts";
import type { Sampler } from "../sampling/index.ts";
import { CancelledError, GenerationError } from "./errors.ts";
import { type ComputedStep, cleanLatent, predictionOf, takeAgain } from "./hindsight.ts";
import { computedSignals, latentSignals, needsCleanLatents } from "./signals.ts";

/** Sessions of the two cuts of a transformer, opened for one shape of video. */
export interface DenoisingSessions {
  readonly full: Session;
  readonly reuse: Session;
  /** Reused step that forecasts its residual from the last two; null if no policy has needed it yet. */
  readonly forecast?: Session | null;
  /**
   * Signals that `full` measures: at least those of the policy. Sessions that earlier requests opened may measure more.
   */
  readonly signals: ReadonlySet<GraphSignalName>;
}

/** A transformer with the sessions, guidance scale and feeds of one generation. */
export interface Denoiser {
  readonly transformer: DiffusionTransformer;
  readonly sessions: DenoisingSessions;
  readonly guidanceScale: number;
  /** Feeds of the transformer's conditions that stay the same for the generation. */
  readonly feeds: Feeds;
}

export interface DenoiseOptions extends Denoiser {
  /** Transformer for timesteps under `below`; opened when denoising first reaches such a timestep. */
  readonly successor?: { readonly below: number; open(): Promise<Denoiser> } | undefined;
  readonly sampler: Sampler;
  readonly policy: CachePolicy;
  /** What was measured about the model before, as far as it holds for this generation. */
  readonly known?: Partial<Pick<GenerationFacts, "table" | "stepSeconds">>;
  /** Noise [1, C, F, H, W], which becomes the latent of the video in place. */
  readonly latent: Float32Array;
  /** Seconds that all steps may take together, for policies that plan by time; no limit when left out. */
  readonly secondsAvailable?: number | undefined;
  readonly signal?: AbortSignal;
  /** Called after every denoising step. */
  readonly onStep?: (step: DenoisedStep) => void;
}

export interface DenoisedStep {
  readonly trace: TraceStep;
  readonly seconds: number;
}

const NOT_FINITE =
  "The model gave numbers that are not finite; its weights may be damaged, or on a GPU need PRECISION=float32.";

/**
 * Runs the sampler from noise to the final latent. A computed step runs the whole transformer and keeps its residual; a
 * reused step adds that residual instead of running the blocks.
 *
 * Only this function holds residual and probe, so they are freed when the generation ends, fails or is cancelled. When
 * a second transformer takes over, they are dropped and the policy starts afresh, because residual, probe and the
 * policy's state belong to the first one.
 *
 * @throws CancelledError between two steps once `signal` is aborted, GenerationError if the final latent holds numbers
 *   that are not finite
 */
export async function denoise(options: DenoiseOptions): Promise<DenoisedStep[]> {
  const { policy, sampler, signal, successor } = options;
  const { channels, frames, height, width } = options.transformer.latent;
  const latent = floats(options.latent, [1, channels, frames, height, width]);
  const steps: DenoisedStep[] = [];
  const start = (denoiser: Denoiser) => ({
    denoiser,
    cache: policy.start(sampler.timesteps.length, {
      noiseLevels: sampler.noiseLevels,
      ...options.known,
      firstStep: steps.length,
      computedBefore: steps.filter(({ trace }) => trace.computed).length,
    }),
    kept: nothingKept(denoiser, policy),
  });

  let { denoiser, cache, kept } = start(options);
  const clock = stopwatch(options.secondsAvailable);
  let take = sampler.start();
  let previousLatent: Float32Array | null = null;
  for (const [denoisingStep, timestep] of sampler.timesteps.entries()) {
    await pauseUnlessCancelled(signal);
    if (successor && denoiser === options && timestep < successor.below) {
      // Frees the memory that they take before the second transformer needs it.
      [kept.residuals, kept.probe] = [[], null];
      ({ denoiser, cache, kept } = start(await successor.open()));
    }
    const { transformer, sessions, guidanceScale } = denoiser;
    const started = performance.now();
    const feeds = {
      ...denoiser.feeds,
      ...stepFeeds(transformer.conditions, timestep),
      [cutNames.latent]: latent,
      [cutNames.guidanceScale]: scalar(guidanceScale),
    };
    const ahead = latentSignals(policy.signals, previousLatent, options.latent);
    if (policy.signals.includes("latentChange")) previousLatent = options.latent.slice();
    const { answer, weights, next } = cache.ask({ denoisingStep, ...clock(), ...ahead });
    cache = next;
    const isFirst = kept.residuals.length === 0;
    let prediction: Float32Array;
    let trace: TraceStep;
    if (isFirst || answer !== "reuse") {
      const out = await compute(sessions, feeds, kept);
      prediction = floatsOf(out[cutNames.prediction]!);
      const clean = sampler.clean[denoisingStep]!;
      if (needsCleanLatents(policy.signals)) {
        kept.cleanLatents.unshift(cleanLatent(options.latent, prediction, clean));
        kept.cleanLatents.length = Math.min(kept.cleanLatents.length, CLEAN_LATENTS_MAX);
      }
      const told = cache.tell(
        denoisingStep,
        computedSignals(policy.signals, {
          transformer,
          out,
          isFirst,
          prediction,
          previousPrediction: kept.prediction,
          cleanLatents: kept.cleanLatents,
        }),
      );
      cache = told.next;
      if (policy.signals.includes("predictionChange")) kept.prediction = prediction;
      if (needsCleanLatents(policy.signals)) {
        const { lastComputed: last, cleanLatents } = kept;
        if (told.correction && last && last.step < denoisingStep - 1) {
          const again = {
            end: denoisingStep,
            latent: options.latent,
            cleanLatents,
            weightsAt: told.correction,
          };
          take = takeAgain(sampler, last, again);
          prediction = predictionOf(options.latent, cleanLatents[0]!, clean);
        }
        const before = { step: denoisingStep, latent: options.latent.slice(), sampler: take.fork() };
        kept.lastComputed = { ...before, prediction };
      }
      trace = traceStep(policy, denoisingStep, told.values, answer === "compute early");
    } else {
      prediction = await reuse(sessions, feeds, kept, weights);
      trace = traceStep(policy, denoisingStep, null);
    }
    take(options.latent, prediction, denoisingStep);
    const step = { trace, seconds: (performance.now() - started) / 1000 };
    steps.push(step);
    options.onStep?.(step);
  }
  if (!options.latent.every(Number.isFinite)) {
    throw new GenerationError(NOT_FINITE, { fault: "invalid_output" });
  }
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

/**
 * Tensors that a computed step keeps for later steps. Nothing else may refer to residual and probe, the largest tensors
 * of a generation, so that they are freed once they are replaced.
 */
interface Kept {
  /** Residuals of the last computed steps, newest first: as many as the policy needs. */
  residuals: Tensor[];
  readonly residualsMax: number;
  /** Null if no signal compares probes. */
  probe: Tensor | null;
  /** Null before the first computed step, and if the policy does not use the change of predictions. */
  prediction: Float32Array | null;
  /** Clean latents of the last computed steps, newest first; none if the policy does not need them. */
  readonly cleanLatents: Float32Array[];
  /** Null before the first computed step, and if the policy does not need clean latents. */
  lastComputed: ComputedStep | null;
}

/** Signals compare the clean latent of a step with those of the last two computed steps. */
const CLEAN_LATENTS_MAX = 3;

function nothingKept(
  { transformer: { tokens, width }, sessions, guidanceScale }: Denoiser,
  { residuals: residualsMax = 1 }: CachePolicy,
): Kept {
  const batch = guidanceBatch(guidanceScale);
  const probe = comparesProbes(sessions.signals)
    ? floats(new Float32Array(batch * tokens * width), [batch, tokens, width])
    : null;
  return { residuals: [], residualsMax, probe, prediction: null, cleanLatents: [], lastComputed: null };
}

async function compute({ full, signals }: DenoisingSessions, feeds: Record<string, Tensor>, kept: Kept) {
  kept.residuals.length = Math.min(kept.residuals.length, kept.residualsMax - 1); // frees one before the next is made
  const {
    [cutNames.residual]: residual,
    [cutNames.probe]: probe,
    ...out
  } = await full.run({
    ...feeds,
    ...(kept.probe && { [cutNames.previousProbe]: kept.probe }),
  });
  kept.residuals.unshift(residual!);
  if (comparesProbes(signals)) kept.probe = probe!;
  return out;
}

async function reuse(
  { reuse, forecast }: DenoisingSessions,
  feeds: Record<string, Tensor>,
  { residuals }: Kept,
  weights: readonly number[] = [1],
): Promise<Float32Array> {
  const [residual, previous] = residuals;
  const isForecast = previous !== undefined && !(weights[0] === 1 && weights.length === 1);
  const out = isForecast
    ? await forecast!.run({
        ...feeds,
        [cutNames.residual]: residual!,
        [cutNames.previousResidual]: previous,
        [cutNames.residualWeights]: floats(Float32Array.of(weights[0]!, weights[1] ?? 0), [2]),
      })
    : await reuse.run({ ...feeds, [cutNames.residual]: residual! });
  return floatsOf(out[cutNames.prediction]!);
}

function floatsOf({ data }: Tensor): Float32Array {
  return data as Float32Array;
}

function floats(data: Float32Array, shape: readonly number[]): Tensor {
  return { dtype: "float32", shape, data };
}

function scalar(value: number): Tensor {
  return floats(new Float32Array([value]), []);
}
