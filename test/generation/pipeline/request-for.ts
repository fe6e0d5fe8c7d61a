import type { Pipeline } from "../../../lib/generation/pipeline/index.ts";
import { type ResolvedRequest, resolveRequest } from "../../../lib/generation/request/index.ts";

/** Values of a request that a test gives; all others are the model's defaults. */
export interface Wanted extends Partial<Omit<ResolvedRequest, "cache">> {
  readonly prompt: string;
  readonly seed: number;
  /** Name of a policy, or the contents of a codebook file. */
  readonly cache?: unknown;
  readonly motion?: boolean;
  readonly warmup?: number;
}

/** Makes the resolved request that a pipeline takes; checks nothing. */
export function requestFor(
  { model, limits }: Pick<Pipeline, "model" | "limits">,
  { cache = "fast", motion = true, warmup, ...wanted }: Wanted,
): ResolvedRequest {
  const { prompt, seed, image, lastImage } = wanted;
  const pictures = { ...(image && { image }), ...(lastImage && { last_image: lastImage }) };
  const usual = resolveRequest({ prompt, seed, ...pictures, cache: "off" }, { model, limits });
  const policy = cache as ResolvedRequest["cache"]["policy"];
  const warmupOfFile = (policy as { warmup?: number }).warmup;
  return { ...usual, ...wanted, cache: { policy, motion, warmupSteps: warmup ?? warmupOfFile ?? 0 } };
}
