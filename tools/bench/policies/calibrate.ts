import type { Pipeline } from "../../../lib/generation/pipeline/index.ts";
import { resolveRequest } from "../../../lib/generation/request/index.ts";
import { mean } from "../statistics.ts";
import { meanSquare, relativeChange, weightedSum } from "./arrays.ts";
import type { Calibration, CalibrationPart } from "./calibration.ts";
import { damageOf, meanTable, stepsToSkip } from "./damage.ts";
import type { Driver, RunFacts } from "./driver.ts";
import { dampedWeights } from "./forecast.ts";
import type { PolicyPrompt } from "./prompts.ts";
import type { RivalRun } from "./rival.ts";

/** Damping of the forecast under which the offline reference is calibrated and run. */
export const REFERENCE_DAMPING = 0.5;

/** Pipeline whose steps a driver can take over. */
export interface Driven {
  readonly pipeline: Pipeline;
  readonly driver: Driver;
}

/** Measures on the calibration prompts what rivals need for one number of denoising steps. */
export async function calibrateRivals(
  { pipeline, driver }: Driven,
  prompts: readonly PolicyPrompt[],
  steps: number,
  { needs, say }: { needs: ReadonlySet<CalibrationPart>; say: (text: string) => void },
): Promise<Calibration> {
  const recordings: Recording[] = [];
  const damages: number[][][] = [];
  if (needs.size === 0) return { steps, magnitudeRatios: [], changes: [], damage: [] };
  for (const [index, { text, seed }] of prompts.entries()) {
    say(`calibrating the rivals at ${steps} steps: ${index + 1}/${prompts.length}`);
    const request = resolveRequest({ prompt: text, seed, steps, cache: "off" }, pipeline);
    const run = async (start: (facts: RunFacts) => RivalRun) => {
      driver.drive(start);
      return (await pipeline.generate(request)).latent;
    };
    const recording = emptyRecording();
    const latent = await run(({ width }) => recorder(recording, needs, width));
    recordings.push(recording);
    if (!needs.has("damage")) continue;
    const squares = new Map<number, number>();
    // The first step of each transformer cannot be reused.
    const reusable = stepsToSkip(recording.predictions.length).filter((step) => recording.reused[step]);
    for (const skipped of reusable) {
      squares.set(skipped, meanSquare(latent, await run(() => skipper(recording, skipped))));
    }
    damages.push(damageOf(recording.errors, squares));
  }
  return {
    steps,
    magnitudeRatios: recordings[0]!.ratios,
    changes: recordings.flatMap(({ changes }) => changes),
    damage: meanTable(damages),
  };
}

interface Recording {
  /** Predictions of all steps. */
  readonly predictions: Float32Array[];
  /** Prediction of each step with the residual forecast from the step before; none for the first. */
  readonly reused: (Float32Array | null)[];
  /** Root mean square errors of predictions with forecast residuals, by step and by gap - 1. */
  readonly errors: number[][];
  readonly ratios: number[];
  readonly changes: { input: number; output: number }[];
}

function emptyRecording(): Recording {
  return { predictions: [], reused: [], errors: [], ratios: [], changes: [] };
}

/** Computes every step, and compares it with the steps before. */
function recorder(recording: Recording, needs: ReadonlySet<CalibrationPart>, width: number): RivalRun {
  /** Residuals of earlier steps, the newest first. */
  const before: Float32Array[] = [];
  let input: Float32Array | null = null;
  return {
    async step({ graphs }) {
      const { prediction, residual } = await graphs.full();
      recording.predictions.push(prediction);
      recording.ratios.push(before[0] ? magnitudeRatio(before[0], residual, width) : 1);
      if (needs.has("changes")) {
        const now = await graphs.modulatedInput();
        if (input) {
          const output = relativeChange(recording.predictions.at(-2)!, prediction);
          recording.changes.push({ input: relativeChange(input, now), output });
        }
        input = now;
      }
      if (needs.has("damage")) {
        const errors: number[] = [];
        let nearest: Float32Array | null = null;
        for (let gap = 1; gap <= Math.min(before.length, REACH_MAX); gap++) {
          const reused = await graphs.reuse(forecastFrom(before, gap));
          nearest ??= reused;
          errors.push(Math.sqrt(meanSquare(prediction, reused)));
        }
        recording.reused.push(nearest);
        recording.errors.push(errors);
      }
      before.unshift(residual);
      before.length = Math.min(before.length, needs.has("damage") ? 2 * REACH_MAX : 1);
      return prediction;
    },
  };
}

/** Longest gap between two computed steps that is measured. */
const REACH_MAX = 16;

/** Forecasts a residual over `gap` steps, as if the step `gap` before the newest known one had been computed too. */
function forecastFrom(before: readonly Float32Array[], gap: number): Float32Array {
  const newest = before[gap - 1]!;
  const older = before[Math.min(2 * gap, before.length) - 1]!;
  const kept = Math.min(2 * gap, before.length) - gap;
  if (kept === 0) return newest;
  return weightedSum([newest, older], dampedWeights([0, -kept], gap, REFERENCE_DAMPING));
}

/** Repeats a recorded run up to a step, which it reuses, and computes all that follow. */
function skipper(recording: Recording, skipped: number): RivalRun {
  return {
    async step({ index, graphs }) {
      if (index < skipped) return recording.predictions[index]!;
      return index === skipped ? recording.reused[index]! : (await graphs.full()).prediction;
    },
  };
}

/** Returns the mean over tokens of |now| / |before|; both are [B, N, width]. */
function magnitudeRatio(before: Float32Array, now: Float32Array, width: number): number {
  const ratios: number[] = [];
  for (let at = 0; at < now.length; at += width) {
    let [a, b] = [0, 0];
    for (let i = at; i < at + width; i++) [a, b] = [a + now[i]! ** 2, b + before[i]! ** 2];
    if (b > 0) ratios.push(Math.sqrt(a / b));
  }
  return mean(ratios);
}
