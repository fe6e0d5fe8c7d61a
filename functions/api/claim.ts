import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { Claim } from "../../lib/service/jobs/index.ts";
import { ApiError } from "./problem.ts";

const KEY_LIFETIME_MS = 24 * 3_600_000;

/** How long a client of OpenAI goes on repeating a request by itself. */
const REPEAT_MS = 120_000;

/**
 * What makes one job of a request that comes more than once: its `Idempotency-Key`, or, without one, that OpenAI's
 * client says it repeats itself (`x-stainless-retry-count`), which it does after every answer it did not get.
 *
 * @param request the parsed body, whose order of fields does not matter
 */
export function claimOf(c: Context, route: string, request: unknown): Claim | undefined {
  const key = c.req.header("idempotency-key");
  const fingerprint = hash(canonicalJson([route, request]));
  if (key !== undefined) {
    if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
      throw new ApiError("invalid_value", "Idempotency-Key must be 1 to 255 printable ASCII characters.", {
        param: "Idempotency-Key",
      });
    }
    return { scope: hash(`key\n${route}\n${key}`), fingerprint, lifetimeMs: KEY_LIFETIME_MS, isFirst: false };
  }
  const retries = c.req.header("x-stainless-retry-count");
  if (retries === undefined) return undefined;
  const isFirst = !(Number(retries) >= 1);
  return { scope: hash(`repeat\n${fingerprint}`), fingerprint, lifetimeMs: REPEAT_MS, isFirst };
}

export function hash(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}

/** JSON with the members of every object in the order of their names. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) => {
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
