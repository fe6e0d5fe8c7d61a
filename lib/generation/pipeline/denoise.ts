import { setImmediate } from "node:timers/promises";
import { type CachePolicy, type TraceStep, traceStep } from "../caching/index.ts";
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
import { computedSignals, latentSignals } from "./signals.ts";

/** The two cuts of one transformer, opened for one shape of video. */
export interface DenoisingSessions {
  readonly full: Session;
  readonly reuse: Session;
  /** Signals that `full` measures: at least those of the policy, and more where the sessions were opened for others. */
  readonly signals: ReadonlySet<GraphSignalName>;
}

/** A transformer at work on one video. */
export interface Denoiser {
  readonly transformer: DiffusionTransformer;
  readonly sessions: DenoisingSessions;
  readonly guidanceScale: number;
  /** Feeds of the transformer's conditions that stay the same for the generation. */
  readonly feeds: Feeds;
}

export interface DenoiseOptions extends Denoiser {
  /** The transformer for the timesteps under `below`, opened when the first of them comes. */
  readonly successor?: { readonly below: number; open(): Promise<Denoiser> } | undefined;
  readonly sampler: Sampler;
  readonly policy: CachePolicy;
  /** Noise [1, C, F, H, W]; becomes the latent of the video, in place. */
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
 * Follows the sampler from noise to latent. A computed step runs the whole transformer and leaves its residual
 * behind; a reused step adds that residual in the place of the blocks. The residual and the probe live here
 * and nowhere else: they go when the generation ends, however it ends, and when another transformer takes over,
 * which has no use for them. The state of the policy was measured on them and goes as well.
 *
 * @throws CancelledError between two steps once `signal` is aborted, GenerationError where the latent ends in
 *   numbers that are no picture
 */
export async function denoise(options: DenoiseOptions): Promise<DenoisedStep[]> {
  const { policy, sampler, signal, successor } = options;
  const { channels, frames, height, width } = options.transformer.latent;
  const latent = floats(options.latent, [1, channels, frames, height, width]);
  const start = (denoiser: Denoiser) => ({
    denoiser,
    cache: policy.start(sampler.timesteps.length),
    kept: nothingKept(denoiser),
  });

  let { denoiser, cache, kept } = start(options);
  const clock = stopwatch(options.secondsAvailable);
  const stepLatent = sampler.start();
  const steps: DenoisedStep[] = [];
  let previousLatent: Float32Array | null = null;
  for (const [denoisingStep, timestep] of sampler.timesteps.entries()) {
    await pauseUnlessCancelled(signal);
    if (successor && denoiser === options && timestep < successor.below) {
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
    const { answer, next } = cache.ask({ denoisingStep, ...clock(), ...ahead });
    cache = next;
    const isFirst = kept.residual === null;
    let prediction: Float32Array;
    let trace: TraceStep;
    if (isFirst || answer !== "reuse") {
      const out = await compute(sessions, feeds, kept);
      prediction = floatsOf(out[cutNames.prediction]!);
      const computed = { transformer, out, isFirst, prediction, previousPrediction: kept.prediction };
      const told = cache.tell(denoisingStep, computedSignals(policy.signals, computed));
      cache = told.next;
      if (policy.signals.includes("predictionChange")) kept.prediction = prediction;
      trace = traceStep(policy, denoisingStep, told.values, answer === "compute early");
    } else {
      prediction = await reuse(sessions.reuse, feeds, kept);
      trace = traceStep(policy, denoisingStep, null);
    }
    stepLatent(options.latent, prediction, denoisingStep);
    const step = { trace, seconds: (performance.now() - started) / 1000 };
    steps.push(step);
    options.onStep?.(step);
  }
  if (!options.latent.every(Number.isFinite)) {
    throw new GenerationError(NOT_FINITE, { fault: "invalid_output" });
  }
  return steps;
}

/** Lets messages and signals in, which a running graph keeps out. */
export async function pauseUnlessCancelled(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  if (signal?.aborted) throw new CancelledError();
}

/** Returns the clock of a run: the seconds spent since now, and those left of a limit. */
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
 * Tensors that a computed step leaves to the steps after it. Nothing else may refer to residual and probe: they are
 * the largest there are.
 */
interface Kept {
  residual: Tensor | null;
  /** Null where no signal compares probes. */
  probe: Tensor | null;
  /** Null before the first computed step, and where the policy does not ask for the change of predictions. */
  prediction: Float32Array | null;
}

function nothingKept({ transformer: { tokens, width }, sessions, guidanceScale }: Denoiser): Kept {
  const batch = guidanceBatch(guidanceScale);
  const probe = comparesProbes(sessions.signals)
    ? floats(new Float32Array(batch * tokens * width), [batch, tokens, width])
    : null;
  return { residual: null, probe, prediction: null };
}

async function compute({ full, signals }: DenoisingSessions, feeds: Record<string, Tensor>, kept: Kept) {
  kept.residual = null; // so that it does not wait in memory for its successor
  const {
    [cutNames.residual]: residual,
    [cutNames.probe]: probe,
    ...out
  } = await full.run({
    ...feeds,
    ...(kept.probe && { [cutNames.previousProbe]: kept.probe }),
  });
  kept.residual = residual!;
  if (comparesProbes(signals)) kept.probe = probe!;
  return out;
}

async function reuse(
  session: Session,
  feeds: Record<string, Tensor>,
  { residual }: Kept,
): Promise<Float32Array> {
  const out = await session.run({ ...feeds, [cutNames.residual]: residual! });
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
