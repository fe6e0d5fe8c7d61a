import * as z from "zod";
import type { Clock } from "../../shared/ports.ts";
import type { Records } from "../storage/index.ts";
import { claimKey } from "./object-keys.ts";

/** What an idempotency key stands for. */
export const claimSchema = z.object({
  jobId: z.string(),
  /** Of the request that took the claim. */
  fingerprint: z.string(),
  createdAt: z.int().nonnegative(),
  /** From then on anybody may take it. */
  expiresAt: z.int().nonnegative(),
});

export type ClaimRecord = z.infer<typeof claimSchema>;

/** A wish to make at most one job of all requests that carry one key. */
export interface Claim {
  /** Hash of all that the key is valid for: route and key. 1 to 128 characters of an object's key. */
  readonly scope: string;
  /** Hash of the parsed request: the same key with another request is a mistake of the caller. */
  readonly fingerprint: string;
  readonly lifetimeMs: number;
  /** Takes the claim from whoever holds it: the request is known not to be a repetition. */
  readonly isFirst: boolean;
}

/** The id of the one job of a claim: the caller's own or that of whoever came first. */
export type Held = { readonly ok: true; readonly jobId: string } | { readonly ok: false };

/**
 * Takes a claim for `jobId`, or finds out who has it; not ok when it was taken with another request.
 *
 * The claim is only an id: whoever holds the answer goes on to create that job if it is missing. So a process that
 * dies between claim and job blocks nobody.
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
  const isOver = ({ expiresAt }: ClaimRecord) => expiresAt <= clock.now();
  const updated = await claims.update(key, (current) => ({
    next: isFirst || isOver(current) ? own : null,
  }));
  const holder = updated.ok ? updated.value : created.current.value;
  return holder.fingerprint === fingerprint ? { ok: true, jobId: holder.jobId } : { ok: false };
}
