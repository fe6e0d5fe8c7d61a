import { SeededRandom } from "./seeded-random.ts";

/** How often things go wrong; all are probabilities of one operation. */
export interface Faults {
  /** The process dies with it, before or after the store has done it. */
  readonly killed: number;
  /** The process sleeps in the middle of it, perhaps for longer than a lease. */
  readonly paused: number;
  /** Not done, and the caller is told that nobody knows. */
  readonly refused: number;
  /** Done, and the caller is told that nobody knows. */
  readonly answerLost: number;
  /** The caller is told that nobody knows, and long after that it is done. */
  readonly late: number;
  /** S3's 409. */
  readonly conflict: number;
  readonly hintLost: number;
  readonly hintDoubled: number;
  readonly hintLate: number;
  readonly receiverFails: number;
  readonly receiverGone: number;
}

export const NO_FAULTS: Faults = {
  killed: 0,
  paused: 0,
  refused: 0,
  answerLost: 0,
  late: 0,
  conflict: 0,
  hintLost: 0,
  hintDoubled: 0,
  hintLate: 0,
  receiverFails: 0,
  receiverGone: 0,
};

/** One kind of bad day. */
export interface Swarm {
  readonly jobs: number;
  readonly faults: Faults;
  /** Faults stop then, and everything must come to an end. */
  readonly faultsMs: number;
  readonly apis: number;
  readonly workers: number;
  readonly senders: number;
  readonly sweepers: number;
  readonly latencyMs: number;
  readonly steps: number;
  readonly stepMs: number;
  readonly deadlineMs: number;
  readonly modelFails: number;
  readonly cancelled: number;
  /** Workers told to stop while they work, for each step. */
  readonly stopped: number;
  /** Clocks are up to so far from the right time. */
  readonly skewMs: number;
  /** A record nobody can read lies before all others. */
  readonly isDamaged: boolean;
}

/** Another mixture for each seed: faults hide each other when all are there always. */
export function swarmOf(seed: number, jobs: number): Swarm {
  const random = new SeededRandom(seed * 2 + 1);
  const faults: Faults = {
    killed: random.pick([0, 0.002, 0.01, 0.03]),
    paused: random.pick([0, 0.002, 0.01, 0.04]),
    refused: random.pick([0, 0.02, 0.1, 0.25]),
    answerLost: random.pick([0, 0.02, 0.1]),
    late: random.pick([0, 0.02, 0.1]),
    conflict: random.pick([0, 0.02, 0.1]),
    hintLost: random.pick([0, 0.1, 0.5, 1]),
    hintDoubled: random.pick([0, 0.1, 0.5]),
    hintLate: random.pick([0, 0.1, 0.5]),
    receiverFails: random.pick([0, 0.2, 0.7]),
    receiverGone: random.pick([0, 0.02]),
  };
  return {
    jobs,
    faults,
    faultsMs: random.integer(20, 60) * 60_000,
    apis: random.integer(1, 3),
    workers: Math.ceil(jobs / random.integer(6, 12)),
    senders: random.integer(1, 4),
    sweepers: random.integer(1, 2),
    latencyMs: random.pick([5, 50, 500]),
    steps: random.integer(2, 30),
    stepMs: random.pick([500, 3000, 8000]),
    deadlineMs: random.integer(15, 60) * 60_000,
    modelFails: random.pick([0, 0.05, 0.3]),
    cancelled: random.pick([0, 0.1, 0.4]),
    stopped: random.pick([0, 0.01]),
    skewMs: random.pick([0, 1000, 2400]),
    isDamaged: random.chance(0.3),
  };
}
