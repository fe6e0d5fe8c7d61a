import { createHash } from "node:crypto";
import type { Context } from "hono";
import type { Claim } from "../../lib/service/jobs/index.ts";
import { ApiError } from "./problem.ts";

const KEY_LIFETIME_MS = 24 * 3_600_000;

/** Time during which a client of OpenAI may retry a request on its own. */
const REPEAT_MS = 120_000;

/** Pattern of an `Idempotency-Key`. Blanks around the value of a header never arrive, so they are no part of it. */
export const KEY_PATTERN = /^[!-~]([ -~]{0,253}[!-~])?$/;

/**
 * Returns the claim by which retries of a request create one job only. Its key is the `Idempotency-Key`. Without
 * that header, a request of an OpenAI client is keyed by its content: such a client sends `x-stainless-retry-count`
 * and retries a request that got no answer. Returns undefined for other requests.
 *
 * @param request  parsed body; the order of its fields does not matter
 * @throws ApiError if the Idempotency-Key is invalid
 */
export function claimOf(c: Context, route: string, request: unknown): Claim | undefined {
  const key = c.req.header("idempotency-key");
  const fingerprint = hash(canonicalJson([route, request]));
  if (key !== undefined) {
    if (!KEY_PATTERN.test(key)) {
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

/** Serialises a value as JSON with the members of every object sorted by name. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, member: unknown) => {
    if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
