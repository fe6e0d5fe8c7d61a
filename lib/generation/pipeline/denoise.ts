import { setImmediate } from "node:timers/promises";
import { type CachePolicy, type TraceStep, traceStep } from "../caching/index.ts";
import {
  cutNames,
  type DiffusionTransformer,
  type Feeds,
  guidanceBatch,
  stepFeeds,
} from "../models/index.ts";
import type { Session, Tensor } from "../onnx/index.ts";
import type { Sampler } from "../sampling/index.ts";
import { CancelledError, GenerationError } from "./errors.ts";

/** The two cuts of one transformer, opened for one shape of video. */
export interface DenoisingSessions {
  readonly full: Session;
  readonly reuse: Session;
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
 * which has no use for them. What the policy remembers was measured on them and goes as well.
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
  const stepLatent = sampler.start();
  const steps: DenoisedStep[] = [];
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
    const isFirst = kept.residual === null;
    const isComputed = isFirst || cache.shouldCompute(denoisingStep);
    let prediction: Tensor;
    if (isComputed) {
      const computed = await compute(sessions.full, feeds, kept);
      cache = cache.afterComputed(denoisingStep, {
        change: isFirst ? null : computed.change,
        motionScore: transformer.tokenFrames > 1 ? computed.motionScore : null,
      });
      prediction = computed.prediction;
    } else {
      prediction = await reuse(sessions.reuse, feeds, kept);
    }
    stepLatent(options.latent, prediction.data as Float32Array, denoisingStep);
    const step = {
      trace: traceStep(denoisingStep, isComputed ? cache.decision : null),
      seconds: (performance.now() - started) / 1000,
    };
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

/**
 * What the last computed step left. Nothing else may refer to these tensors: they are the largest there are.
 */
interface Kept {
  residual: Tensor | null;
  probe: Tensor;
}

function nothingKept({ transformer: { tokens, width }, guidanceScale }: Denoiser): Kept {
  const batch = guidanceBatch(guidanceScale);
  return { residual: null, probe: floats(new Float32Array(batch * tokens * width), [batch, tokens, width]) };
}

async function compute(full: Session, feeds: Record<string, Tensor>, kept: Kept) {
  kept.residual = null; // so that it does not wait in memory for its successor
  const out = await full.run({ ...feeds, [cutNames.previousProbe]: kept.probe });
  kept.residual = out[cutNames.residual]!;
  kept.probe = out[cutNames.probe]!;
  return {
    prediction: out[cutNames.prediction]!,
    change: Number(out[cutNames.change]!.data[0]),
    motionScore: Number(out[cutNames.motionScore]!.data[0]),
  };
}

async function reuse(session: Session, feeds: Record<string, Tensor>, { residual }: Kept): Promise<Tensor> {
  const out = await session.run({ ...feeds, [cutNames.residual]: residual! });
  return out[cutNames.prediction]!;
}

function floats(data: Float32Array, shape: readonly number[]): Tensor {
  return { dtype: "float32", shape, data };
}

function scalar(value: number): Tensor {
  return floats(new Float32Array([value]), []);
}
