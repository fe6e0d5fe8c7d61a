import type { CalibrationRun } from "../caching/index.ts";
import { cutNames } from "../models/index.ts";
import type { Tensor } from "../onnx/index.ts";
import type { GenerationRequest } from "../request/index.ts";
import type { DenoisingSessions } from "./denoise.ts";
import type { PipelineOptions } from "./model-parts.ts";
import { openPipeline, type Progress } from "./pipeline.ts";

export interface ReuseMeasurement {
  /** Each is generated once, without cache. */
  readonly requests: readonly GenerationRequest[];
  /** Earlier steps whose reuse is measured at each step. Their residuals and probes are held in memory. */
  readonly reach: number;
  readonly options?: PipelineOptions;
  readonly onProgress?: (request: number, progress: Progress) => void;
}

/**
 * What reuse would have done to generations that computed every step: at each, the residuals of the steps before it are
 * put in the place of its own, and the predictions compared.
 *
 * @throws what `openPipeline` and `generate` throw
 */
export async function measureReuse(
  folder: string,
  { requests, reach, options, onProgress }: ReuseMeasurement,
): Promise<CalibrationRun[]> {
  const runs: Recording[] = [];
  const pipeline = await openPipeline(folder, options, (sessions) => recorded(sessions, runs.at(-1)!, reach));
  try {
    for (const [index, request] of requests.entries()) {
      runs.push({ changes: [], motionScores: [], errors: [] });
      await pipeline.generate(
        { ...request, cache: "off" },
        { onProgress: (progress) => onProgress?.(index, progress) },
      );
    }
    return runs;
  } finally {
    await pipeline.close();
  }
}

interface Recording extends CalibrationRun {
  readonly changes: number[][];
  readonly motionScores: (number | null)[];
  readonly errors: number[][];
}

/** The same sessions; every computed step is taken down. What one transformer leaves is of no use to another. */
function recorded({ full, reuse }: DenoisingSessions, run: Recording, reach: number): DenoisingSessions {
  /** The last first. */
  const before: { residual: Tensor; probe: Float32Array }[] = [];
  return {
    reuse,
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
        run.changes.push(before.map((earlier) => relativeL1(earlier.probe, probe)));
        run.motionScores.push(Number(out[cutNames.motionScore]!.data[0]));
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
  let [difference, size] = [0, 0];
  for (let i = 0; i < reference.length; i++) {
    difference += (reference[i]! - other[i]!) ** 2;
    size += reference[i]! ** 2;
  }
  return Math.sqrt(difference / size);
}
