import { SeededRandom } from "./seeded-random.ts";

/** Probabilities of faults, per operation. */
export interface Faults {
  /** The process dies before or after the store has done the operation. */
  readonly killed: number;
  /** The process is paused during the operation, perhaps for longer than a lease. */
  readonly paused: number;
  /** The operation is not done, and its outcome is reported as unknown. */
  readonly refused: number;
  /** The operation is done, and its outcome is reported as unknown. */
  readonly answerLost: number;
  /** The outcome is reported as unknown, and the operation is done long after that. */
  readonly late: number;
  /** The store answers 409. */
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

/** Mixture of faults and sizes of one simulation. */
export interface Swarm {
  readonly jobs: number;
  readonly faults: Faults;
  /** Time at which faults stop, and after which everything must settle. */
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
  /** Probability per denoising step that the worker is told to stop. */
  readonly stopped: number;
  /** Maximum error of clocks. */
  readonly skewMs: number;
  /** True if a damaged record is stored before all others. */
  readonly isDamaged: boolean;
}

/** Draws a mixture for each seed. If all faults were always present, they would hide each other. */
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
