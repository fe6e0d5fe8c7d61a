import * as z from "zod";
import { isAhead } from "../../shared/ahead.ts";
import type { Clock } from "../../shared/ports.ts";
import type { Records } from "../storage/index.ts";
import { claimKey } from "./object-keys.ts";

/** Record of a claim: the job that an idempotency key belongs to. */
export const claimSchema = z.object({
  jobId: z.string(),
  /** Fingerprint of the request that took the claim. */
  fingerprint: z.string(),
  createdAt: z.int().nonnegative(),
  /** Time from which any request may take over the claim. */
  expiresAt: z.int().nonnegative(),
});

export type ClaimRecord = z.infer<typeof claimSchema>;

/** Request for a claim, so that all requests with one idempotency key make at most one job. */
export interface Claim {
  /** Hash of the route and the idempotency key: 1 to 128 characters that may stand in an object's key. */
  readonly scope: string;
  /** Hash of the parsed request. The same key with another request is a mistake of the caller. */
  readonly fingerprint: string;
  readonly lifetimeMs: number;
  /** Takes over the claim even if it has not expired, because the request is known not to be a repetition. */
  readonly isFirst: boolean;
}

/** Result of {@link takeClaim}. `jobId` is the caller's own, or that of the request that holds the claim. */
export type Held = { readonly ok: true; readonly jobId: string } | { readonly ok: false };

/**
 * Takes a claim for `jobId`, or returns the job id that already holds it. The result is not ok if the claim is held by
 * a request with another fingerprint.
 *
 * The claim names a job but does not create it: every caller creates that job if it is missing. So a process that dies
 * between the claim and the job blocks nobody.
 */
export async function takeClaim(
  claims: Records<ClaimRecord>,
  clock: Clock,
  tenant: string,
  { scope, fingerprint, lifetimeMs, isFirst }: Claim,
  jobId: string,
): Promise<Held> {
  const now = clock.now();
  const own: ClaimRecord = { jobId, fingerprint, createdAt: now, expiresAt: now + lifetimeMs };
  const key = claimKey(tenant, scope);
  const created = await claims.create(key, own);
  if (created.ok) return { ok: true, jobId };
  const updated = await claims.update(key, (current) => ({
    next: isFirst || isOver(current, clock.now()) ? own : null,
  }));
  const holder = updated.ok ? updated.value : created.current.value;
  return holder.fingerprint === fingerprint ? { ok: true, jobId: holder.jobId } : { ok: false };
}

/**
 * Returns whether any request may take over the claim. A clock that was set back by less than the lifetime ends no
 * claim, or a retry of the same request would make a second job.
 */
export function isOver({ createdAt, expiresAt }: ClaimRecord, now: number): boolean {
  return !isAhead(expiresAt, now, 2 * (expiresAt - createdAt));
}
