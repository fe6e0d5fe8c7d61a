import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock, Random, Sleep, Timers } from "./ports.ts";

/** The ports as a running program has them: time and chance of this machine. Entry points hand them to the rest. */
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
