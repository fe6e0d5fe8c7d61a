import type { CalibrationRun } from "../caching/index.ts";
import { cutNames } from "../models/index.ts";
import type { Tensor } from "../onnx/index.ts";
import { type ResolvedRequest, withoutCache } from "../request/index.ts";
import type { DenoisingSessions } from "./denoiser.ts";
import type { PipelineOptions } from "./model/parts.ts";
import type { Observer } from "./observer.ts";
import { openPipeline } from "./pipeline.ts";
import type { Progress } from "./progress.ts";

export interface ReuseMeasurement {
  /** Requests to generate, each once and without cache. */
  readonly requests: readonly ResolvedRequest[];
  /** Number of earlier steps whose reuse is measured at each step. Their residuals and probes are held in memory. */
  readonly reach: number;
  readonly options?: PipelineOptions;
  readonly onProgress?: (request: number, progress: Progress) => void;
  readonly onVideo?: Observer["decoded"];
}

/**
 * Measures the errors that reuse would cause in generations that compute every step. At each step the residuals of
 * earlier steps are used in place of its own, and the predictions are compared.
 *
 * @throws the errors of `openPipeline` and `generate`
 */
export async function measureReuse(
  folder: string,
  { requests, reach, options, onProgress, onVideo }: ReuseMeasurement,
): Promise<CalibrationRun[]> {
  const runs: CalibrationRun[] = [];
  let recording = emptyRecording();
  const pipeline = await openPipeline(folder, options, {
    signals: ["probe", "motionScore"],
    through: (sessions) => recorded(sessions, recording, reach),
    ...(onVideo && { decoded: onVideo }),
  });
  try {
    for (const [index, request] of requests.entries()) {
      recording = emptyRecording();
      const { latent } = await pipeline.generate(withoutCache(request), {
        onProgress: (progress) => onProgress?.(index, progress),
      });
      runs.push(weighted(recording, latent));
    }
    return runs;
  } finally {
    await pipeline.close();
  }
}

interface Recording extends CalibrationRun {
  readonly changes: number[][];
  readonly motionScores: (number | null)[];
  /** Relative L2 errors of predictions. */
  readonly errors: number[][];
  /** Latents before each step. */
  readonly latents: Float32Array[];
}

function emptyRecording(): Recording {
  return { changes: [], motionScores: [], errors: [], latents: [] };
}

/**
 * Weights each error by how far the latent moves in its step and by the number of steps left, relative to the mean
 * weight. A wrong prediction matters in proportion to that move, and for all steps that follow.
 */
function weighted({ latents, errors, ...run }: Recording, last: Float32Array): CalibrationRun {
  const moves = latents.map((latent, step) => distance(latent, latents[step + 1] ?? last));
  const weights = moves.map((move, step) => move * (latents.length - step));
  const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length;
  return { ...run, errors: errors.map((list, step) => list.map((error) => (error * weights[step]!) / mean)) };
}

/**
 * Wraps sessions so that every computed step is recorded. Each transformer has its own list of residuals, because one
 * transformer cannot reuse those of another.
 */
function recorded(sessions: DenoisingSessions, run: Recording, reach: number): DenoisingSessions {
  const { full, reuse } = sessions;
  /** Most recent step first. */
  const before: { residual: Tensor; probe: Float32Array }[] = [];
  return {
    ...sessions,
    full: {
      ...full,
      async run(feeds) {
        const out = await full.run(feeds);
        const prediction = floats(out[cutNames.prediction]!);
        const probe = floats(out[cutNames.probe]!);
        const errors: number[] = [];
        for (const { residual } of before) {
          const reused = await reuse.run({ ...feeds, [cutNames.residual]: residual });
          errors.push(relativeL2(prediction, floats(reused[cutNames.prediction]!)));
        }
        run.errors.push(errors);
        run.latents.push(floats(feeds[cutNames.latent]!).slice());
        run.changes.push(before.map((earlier) => relativeL1(earlier.probe, probe)));
        run.motionScores.push(Number(out.motionScore!.data[0]));
        before.unshift({ residual: out[cutNames.residual]!, probe });
        before.length = Math.min(before.length, reach);
        return out;
      },
    },
  };
}

function floats(tensor: Tensor): Float32Array {
  return tensor.data as Float32Array;
}

function relativeL1(reference: Float32Array, other: Float32Array): number {
  let [difference, size] = [0, 0];
  for (let i = 0; i < reference.length; i++) {
    difference += Math.abs(reference[i]! - other[i]!);
    size += Math.abs(reference[i]!);
  }
  return difference / size;
}

function relativeL2(reference: Float32Array, other: Float32Array): number {
  return distance(reference, other) / distance(reference, new Float32Array(reference.length));
}

function distance(from: Float32Array, to: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < from.length; i++) sum += (from[i]! - to[i]!) ** 2;
  return Math.sqrt(sum);
}
