import { type ObjectStore, StoreError } from "../../lib/service/storage/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import { intercepted } from "../service/jobs/failing-store.ts";
import type { SeededRandom } from "./seeded-random.ts";
import { type Faults, NO_FAULTS } from "./swarm.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** Simulated process, which runs, sleeps, and can be killed. A killed process never continues. */
export class Process {
  readonly name: string;
  readonly clock: Clock;
  isAlive = true;
  pausedUntil = 0;
  /** Time until which it was last delayed by a fault. */
  troubledAt = 0;
  readonly #onDeath: (process: Process) => void;

  constructor(name: string, clock: Clock, onDeath: (process: Process) => void) {
    this.name = name;
    this.clock = clock;
    this.#onDeath = onDeath;
  }

  die(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#onDeath(this);
  }
}

export interface NetworkOptions {
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  readonly faults: Faults;
  readonly latencyMs: number;
}

/** Ranges of pauses: half are shorter than a lease, half are longer. */
const PAUSES_MS = [
  [1000, 20_000],
  [90_000, 240_000],
] as const;
export const PAUSE_MS_MAX = 240_000;
const LATE_MS_MAX = 90_000;
const TIMEOUT_MS = 3000;

/** Network between processes and services: the source of latency and faults. */
export class Network {
  readonly counts = { operations: 0, kills: 0, pauses: 0, refused: 0, lostAnswers: 0, late: 0, conflicts: 0 };
  readonly time: VirtualTime;
  readonly random: SeededRandom;
  faults: Faults;
  readonly #latencyMs: number;

  constructor({ time, random, faults, latencyMs }: NetworkOptions) {
    this.time = time;
    this.random = random;
    this.faults = faults;
    this.#latencyMs = latencyMs;
  }

  heal(): void {
    this.faults = NO_FAULTS;
  }

  latency(): number {
    return this.random.integer(1, this.#latencyMs);
  }

  /** Resumes a process after a delay, later if it is paused, never if it is dead. */
  deliver(process: Process, durationMs: number, resume: () => void): void {
    this.time.after(durationMs, () => {
      if (!process.isAlive) return;
      const restMs = process.pausedUntil - this.time.now;
      if (restMs > 0) this.deliver(process, restMs, resume);
      else resume();
    });
  }

  sleep(process: Process, durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (process.isAlive) this.deliver(process, Math.max(1, durationMs), resolve);
    });
  }

  /** Returns the store as seen by a process. */
  storeFor(process: Process, store: ObjectStore): ObjectStore {
    return intercepted(store, (name, key, operation) => this.#call(process, `${name} ${key}`, operation));
  }

  /** Runs one operation on the store, with latency and faults. */
  #call(process: Process, label: string, operation: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!process.isAlive) return;
      const { faults, random, time, counts } = this;
      counts.operations += 1;
      const isWrite = /^(put|delete) /.test(label);
      const there = this.latency();
      const back = this.latency();
      const answer = (waitMs: number, settle: () => void) => this.deliver(process, waitMs, settle);
      const perform = (waitMs: number, then: (result: Promise<unknown>) => void) =>
        time.after(waitMs, () => {
          time.note(`${process.name} ${label}`);
          const result = operation();
          // Nobody may be left to take its error.
          result.catch(() => undefined);
          then(result);
        });
      const fail = () => {
        process.troubledAt = time.now;
        reject(new StoreError("unavailable", "The store does not answer."));
      };

      if (random.chance(faults.paused)) this.#pause(process);
      if (random.chance(faults.killed)) {
        const isDone = random.chance(0.5);
        if (isDone) perform(there, () => process.die());
        else process.die();
        counts.kills += 1;
        return;
      }
      if (random.chance(faults.refused)) {
        counts.refused += 1;
        return answer(there + back, fail);
      }
      if (isWrite && random.chance(faults.conflict) && label.startsWith("put")) {
        counts.conflicts += 1;
        return answer(there + back, () => resolve({ ok: false, reason: "conflict" }));
      }
      if (isWrite && random.chance(faults.late)) {
        counts.late += 1;
        perform(random.integer(TIMEOUT_MS, LATE_MS_MAX), () => undefined);
        return answer(TIMEOUT_MS, fail);
      }
      perform(there, (result) => {
        if (random.chance(faults.answerLost)) {
          counts.lostAnswers += 1;
          return answer(TIMEOUT_MS, fail);
        }
        answer(back, () => result.then(resolve, reject));
      });
    });
  }

  #pause(process: Process): void {
    this.counts.pauses += 1;
    const [leastMs, mostMs] = this.random.pick(PAUSES_MS);
    process.pausedUntil = this.time.now + this.random.integer(leastMs, mostMs);
    process.troubledAt = process.pausedUntil;
  }
}
