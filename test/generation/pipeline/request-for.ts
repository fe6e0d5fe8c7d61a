import type { Pipeline } from "../../../lib/generation/pipeline/index.ts";
import { type ResolvedRequest, resolveRequest } from "../../../lib/generation/request/index.ts";

/** Wishes of a test; everything left out takes the model's default. */
export interface Wanted extends Partial<Omit<ResolvedRequest, "cache">> {
  readonly prompt: string;
  readonly seed: number;
  /** A name of a policy, or the contents of a codebook file. */
  readonly cache?: unknown;
  readonly motion?: boolean;
  readonly warmup?: number;
}

/** Makes the resolved request that a pipeline takes, and checks nothing of what is wanted. */
export function requestFor(
  { model, limits }: Pick<Pipeline, "model" | "limits">,
  { cache = "fast", motion = true, warmup, ...wanted }: Wanted,
): ResolvedRequest {
  const { prompt, seed } = wanted;
  const usual = resolveRequest({ prompt, seed, cache: "off" }, { model, limits });
  const policy = cache as ResolvedRequest["cache"]["policy"];
  const warmupOfFile = (policy as { warmup?: number }).warmup;
  return { ...usual, ...wanted, cache: { policy, motion, warmupSteps: warmup ?? warmupOfFile ?? 0 } };
}
