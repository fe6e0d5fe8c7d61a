import type { CachePolicy } from "../caching/index.ts";
import type { ResolvedRequest } from "../request/index.ts";

/** A finished generation that may be audited. */
export interface Audited {
  readonly request: ResolvedRequest;
  readonly policy: CachePolicy;
  /** Final latent [1, C, F, H, W]. */
  readonly latent: Float32Array;
}

/**
 * Audits a generation whose request asks for it: recomputes reused steps, and returns the PSNR in dB that the video has
 * against the one without cache. Returns null without an audit. Nothing is recomputed yet.
 */
export async function auditedDb(_generation: Audited): Promise<number | null> {
  return null;
}
