import { vi } from "vitest";

/**
 * Waits until a check passes, and returns what it returns. Only a check that never passes ends by the clock, shortly
 * before the test would: on a busy machine everything takes longer.
 */
export function eventually<Result>(check: () => Result | Promise<Result>): Promise<Result> {
  return vi.waitFor(check, { timeout: 250_000, interval: 20 });
}
