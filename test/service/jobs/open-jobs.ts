import { randomBytes } from "node:crypto";
import { type JobStore, jobStore } from "../../../lib/service/jobs/index.ts";
import type { ObjectStore } from "../../../lib/service/storage/index.ts";
import { type MemoryStore, memoryStore } from "./memory-store.ts";
import { NOW } from "./sample-job.ts";

export interface Opened {
  readonly store: MemoryStore;
  readonly jobs: JobStore;
  readonly clock: { now(): number };
  /** Advances the clock. */
  pass(durationMs: number): void;
  /** Opens the same jobs for another process, with its own view of the store. */
  through(store: ObjectStore): JobStore;
}

/** Creates an empty store of jobs, and its clock. */
export function openJobs(): Opened {
  let now = NOW;
  const store = memoryStore();
  const clock = { now: () => now };
  const through = (view: ObjectStore) =>
    jobStore({ store: view, clock, random: randomBytes, sleep: async () => undefined });
  return {
    store,
    jobs: through(store),
    clock,
    pass(durationMs) {
      now += durationMs;
    },
    through,
  };
}
