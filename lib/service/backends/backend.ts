import type { JobRecord, JobRef } from "../jobs/index.ts";

/**
 * End of one invocation, as reported by the backend. The job that it named may be queued still, because the turn was
 * another one's: its own state is in its record.
 */
export interface Outcome {
  readonly ref: JobRef;
  /** Reason for which the invocation failed, in words for a log; null if the GPU function answered. */
  readonly failure: string | null;
}

/**
 * Properties that all queues of one kind of backend share. They need no particular queue, because a run may end after
 * its queue was replaced.
 */
export interface BackendKind {
  /**
   * Milliseconds for which a submitted job is believed to be in the backend's queue. After this time it is submitted
   * again, because the backend may have lost it. A job that is queued twice does no harm: only one worker can claim it,
   * and the attempt fences off all others. 0 for a backend whose queue dies with the process that submits; then
   * submissions are not noted in the record.
   */
  readonly believedMs: number;
  /**
   * Milliseconds to wait after a failed run before the job is submitted again, so that a backend that refuses
   * everything is not kept busy.
   */
  readonly pauseMs: number;
  /**
   * Parses the backend's message that a run has ended. Messages may be lost, late or repeated: the sweep and the leases
   * make up for them. A backend that sends no messages refuses every message.
   *
   * @throws MessageError if the message names none of this service's jobs
   */
  outcomeOf(message: string): Outcome;
}

/**
 * Place where the GPU function runs jobs: a queue and its workers. A worker receives the job's record or reference by
 * `POST /invocations` (`functions/gpu/server.ts`). It claims the job whose turn it is in the store, which need not be the
 * one it received, and writes the result there.
 */
export interface Backend extends BackendKind {
  /** Name of the queue, noted in the records of submitted jobs. A queue of another name holds none of these jobs. */
  readonly name: string;
  /**
   * Submits a queued job. Resolves once the backend has accepted it, which may be long before a worker claims it. A job
   * may be submitted again while it waits or runs.
   *
   * @throws Error if the backend refuses the job, or if its answer is lost; then it may have accepted the job
   */
  submit(record: JobRecord): Promise<void>;
  /** Returns the number of jobs that wait or run here; null if the backend cannot tell. */
  waiting(): Promise<number | null>;
}
