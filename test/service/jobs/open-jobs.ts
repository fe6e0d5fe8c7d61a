import { randomBytes } from "node:crypto";
import { type JobStore, jobStore } from "../../../lib/service/jobs/index.ts";
import type { ObjectStore } from "../../../lib/service/storage/index.ts";
import { type MemoryStore, memoryStore } from "./memory-store.ts";
import { NOW } from "./sample-job.ts";

export interface Opened {
  readonly store: MemoryStore;
  readonly jobs: JobStore;
  readonly clock: { now(): number };
  /** Lets time pass. */
  pass(durationMs: number): void;
  /** The same jobs for another process, which sees the store in its own way. */
  through(store: ObjectStore): JobStore;
}

/** An empty store of jobs and the time it goes by. */
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
