/**
 * Run of a decoder or an encoder over some frames of a video; several follow one another so that memory suffices. A run
 * that is continued outputs its state as `after.NAME`; these are the inputs `before.NAME` of the next run.
 */
export interface ContinuedRun {
  /** Number of frames that the run takes in. */
  readonly frames: number;
  /** True if the run takes the state of the run before; false by default. */
  readonly continues?: boolean;
  /** True if the run outputs state for the next; false by default. */
  readonly isContinued?: boolean;
}

/** Prefixes of the inputs and outputs that hold state. */
export const stateNames = {
  /** Prefix of inputs that hold the state of the run before. */
  before: "before.",
  /** Prefix of outputs that hold the state for the next run. */
  after: "after.",
} as const;
