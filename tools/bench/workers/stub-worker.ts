import { type Pause, pull } from "../../../functions/gpu/pull.ts";
import { storeTurns } from "../../../functions/gpu/store-turns.ts";
import type { Run } from "../../../functions/gpu/worker.ts";
import {
  artifactKey,
  fairTurns,
  type JobRef,
  jobStore,
  passedOver,
} from "../../../lib/service/jobs/index.ts";
import type { ObjectStore } from "../../../lib/service/storage/index.ts";
import type { Clock, Random, Sleep, Timers } from "../../../lib/shared/ports.ts";
import { outputs, receipt } from "../../../test/service/jobs/sample-job.ts";

/** Store, time and chance in which workers are measured: real ones, or simulated ones. */
export interface Place {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Pick<Timers, "elapsed">;
  readonly sleep: Sleep;
  readonly pause: Pause;
}

export interface StubWorkerOptions {
  readonly place: Place;
  readonly owner: string;
  /** Time that a video takes, in which nothing is computed. */
  readonly videoMs: number;
  readonly pauseMsMax: number;
  /** Called with each video that was completed. */
  readonly onCompleted: (ref: JobRef) => void;
}

const VIDEO = new Uint8Array(64 * 1024);
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Pulls jobs as the GPU function does, with its loop, its looks at the store and its turns, until the signal aborts. In
 * place of a model it waits, and stores 64 KiB.
 */
export async function pullWithStub(
  { place, owner, videoMs, pauseMsMax, onCompleted }: StubWorkerOptions,
  signal: AbortSignal,
): Promise<void> {
  const { store, clock, random, timers, sleep, pause } = place;
  const jobs = jobStore({ store, clock, random, sleep });
  const seen = passedOver(timers);
  const turns = fairTurns({ store, jobs, clock, canRun: () => true, passedOver: seen });

  async function run(): Promise<Run> {
    for await (const next of turns.next(null)) {
      const claimed = await jobs.apply(next, { type: "claim", owner, leaseMs: 60_000 });
      if (!claimed.ok) continue;
      const { attempt } = claimed.record;
      if (videoMs > 0) await sleep(videoMs);
      await store.put(artifactKey(next, attempt, "video.mp4"), VIDEO, { contentType: "video/mp4" });
      const ended = await jobs.apply(next, { type: "complete", owner, attempt, outputs, receipt });
      if (ended.ok) onCompleted(next);
      return { outcome: "ran", record: ended.record ?? claimed.record };
    }
    return { outcome: "idle" };
  }

  const source = storeTurns({ jobs, passedOver: seen, pause, random, pauseMsMax });
  const models = { fault: null, recheck: async () => undefined };
  await pull({ source, worker: { run }, models, protection: null, pause, random, log: silent }, signal);
}
