import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock, Random, Sleep, Timers } from "./ports.ts";

/** Real implementations of the ports, for entry points. */
export const system: {
  readonly clock: Clock;
  readonly random: Random;
  readonly sleep: Sleep;
  readonly timers: Timers;
} = {
  clock: Date,
  random: randomBytes,
  sleep: (durationMs) => sleep(durationMs),
  timers: {
    elapsed: () => performance.now(),
    timeout: (durationMs) => AbortSignal.timeout(durationMs),
  },
};
