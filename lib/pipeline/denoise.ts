import { setImmediate } from "node:timers/promises";
import { type CachePolicy, type Measurement, type TraceStep, traceStep } from "../caching/index.ts";
import { cutNames, type DiffusionTransformer } from "../models/index.ts";
import type { Session, Tensor } from "../onnx/index.ts";
import { eulerStep, type FlowTable } from "../sampling/index.ts";
import { CancelledError } from "./errors.ts";

/** The two cuts of one transformer, opened for one shape of video. */
export interface DenoisingSessions {
  readonly full: Session;
  readonly reuse: Session;
}

export interface DenoiseOptions {
  readonly transformer: DiffusionTransformer;
  readonly sessions: DenoisingSessions;
  readonly table: FlowTable;
  readonly policy: CachePolicy;
  /** `transformer.textFeeds` of the prompt. */
  readonly text: Readonly<Record<string, Tensor>>;
  readonly guidanceScale: number;
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

/**
 * Follows the flow from noise to latent. A computed step runs the whole transformer and leaves its residual
 * behind; a reused step adds that residual in the place of the blocks. The residual and the probe live here
 * and nowhere else: they go when the generation ends, however it ends.
 *
 * @throws CancelledError between two steps once `signal` is aborted
 */
export async function denoise(options: DenoiseOptions): Promise<DenoisedStep[]> {
  const { transformer, sessions, table, signal } = options;
  const { latent: latentShape, tokens, width } = transformer;
  const { channels, frames, height, width: latentWidth } = latentShape;
  const latent = floats(options.latent, [1, channels, frames, height, latentWidth]);
  const fixed = {
    ...options.text,
    [cutNames.latent]: latent,
    [cutNames.guidanceScale]: scalar(options.guidanceScale),
  };
  const noProbe = floats(new Float32Array(2 * tokens * width), [2, tokens, width]);

  let cache = options.policy.start(table.timesteps.length);
  let last: { residual: Tensor; probe: Tensor } | null = null;
  const steps: DenoisedStep[] = [];
  for (const [denoisingStep, timestep] of table.timesteps.entries()) {
    await pauseUnlessCancelled(signal);
    const started = performance.now();
    const feeds = { ...fixed, ...transformer.stepFeeds(timestep) };
    const isComputed = last === null || cache.shouldCompute(denoisingStep);
    let prediction: Tensor;
    if (isComputed) {
      const out: Record<string, Tensor> = await sessions.full.run({
        ...feeds,
        [cutNames.previousProbe]: last?.probe ?? noProbe,
      });
      cache = cache.afterComputed(denoisingStep, measurement(out, last !== null, transformer.tokenFrames));
      last = { residual: out[cutNames.residual]!, probe: out[cutNames.probe]! };
      prediction = out[cutNames.prediction]!;
    } else {
      const out = await sessions.reuse.run({ ...feeds, [cutNames.residual]: last!.residual });
      prediction = out[cutNames.prediction]!;
    }
    eulerStep(options.latent, prediction.data as Float32Array, table.deltas[denoisingStep]!);
    const step = {
      trace: traceStep(denoisingStep, isComputed ? cache.decision : null),
      seconds: (performance.now() - started) / 1000,
    };
    steps.push(step);
    options.onStep?.(step);
  }
  return steps;
}

/** Lets messages and signals in, which a running graph keeps out. */
export async function pauseUnlessCancelled(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  if (signal?.aborted) throw new CancelledError();
}

function measurement(out: Record<string, Tensor>, hasPrevious: boolean, tokenFrames: number): Measurement {
  return {
    change: hasPrevious ? Number(out[cutNames.change]!.data[0]) : null,
    motionScore: tokenFrames > 1 ? Number(out[cutNames.motionScore]!.data[0]) : null,
  };
}

function floats(data: Float32Array, shape: readonly number[]): Tensor {
  return { dtype: "float32", shape, data };
}

function scalar(value: number): Tensor {
  return floats(new Float32Array([value]), []);
}
