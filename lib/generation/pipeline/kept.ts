import type { CachePolicy } from "../caching/index.ts";
import { comparesProbes, cutNames, type Feeds, guidanceBatch } from "../models/index.ts";
import type { Tensor } from "../onnx/index.ts";
import { type Denoiser, type DenoisingSessions, floats, floatsOf } from "./denoiser.ts";
import type { ComputedStep } from "./hindsight.ts";

/**
 * Tensors that computed steps keep for later steps. Nothing else may refer to residuals and probe, the largest tensors
 * of a generation, so that they are freed once they are replaced.
 */
export interface Kept {
  /** Residuals of the last computed steps, newest first: as many as the policy needs. */
  residuals: Tensor[];
  readonly residualsMax: number;
  /** Null if no signal compares probes. */
  probe: Tensor | null;
  /** Null before the first computed step, and if the policy does not use the change of predictions. */
  prediction: Float32Array | null;
  /** Latent that this prediction was made from; null if the policy does not use its distance. */
  latent: Float32Array | null;
  /** Clean latents of the last computed steps, newest first; none if the policy does not need them. */
  readonly cleanLatents: Float32Array[];
  /** Null before the first computed step, and if the policy does not need clean latents. */
  lastComputed: ComputedStep | null;
}

/** Number of clean latents: signals compare that of a step with those of the last two computed steps. */
const CLEAN_LATENTS_MAX = 3;

export function nothingKept(
  { transformer: { tokens, width }, sessions, guidanceScale }: Denoiser,
  { residuals: residualsMax = 1 }: CachePolicy,
): Kept {
  const batch = guidanceBatch(guidanceScale);
  const probe = comparesProbes(sessions.signals)
    ? floats(new Float32Array(batch * tokens * width), [batch, tokens, width])
    : null;
  const nothing = { prediction: null, latent: null, cleanLatents: [], lastComputed: null };
  return { residuals: [], residualsMax, probe, ...nothing };
}

/** Frees residuals and probe, so that another transformer or the decoder can have their memory. */
export function dropLargest(kept: Kept): void {
  for (const tensor of [...kept.residuals, kept.probe]) tensor?.release?.();
  [kept.residuals, kept.probe] = [[], null];
}

/**
 * Frees one residual before the next is made. This is a function of its own, because a variable of an async one holds
 * its value until that ends.
 */
function dropOldest({ residuals, residualsMax }: Kept): void {
  for (const old of residuals.splice(residualsMax - 1)) old.release?.();
}

/** Runs the whole transformer, keeps its residual and probe, and returns its other outputs. */
export async function compute({ full, signals }: DenoisingSessions, feeds: Feeds, kept: Kept) {
  dropOldest(kept);
  const {
    [cutNames.residual]: residual,
    [cutNames.probe]: probe,
    ...out
  } = await full.run({
    ...feeds,
    ...(kept.probe && { [cutNames.previousProbe]: kept.probe }),
  });
  kept.residuals.unshift(residual!);
  if (comparesProbes(signals)) {
    kept.probe?.release?.();
    kept.probe = probe!;
  }
  return out;
}

/**
 * Adds kept residuals instead of running the blocks, and returns the prediction.
 *
 * @param weights of the kept residuals, newest first; the newest as it is by default
 */
export async function reuse(
  { reuse, forecast }: DenoisingSessions,
  feeds: Feeds,
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

/** Keeps a clean latent, and drops the oldest one if there are too many. */
export function keepCleanLatent({ cleanLatents }: Kept, clean: Float32Array): void {
  cleanLatents.unshift(clean);
  cleanLatents.length = Math.min(cleanLatents.length, CLEAN_LATENTS_MAX);
}
