import type { JobRecord, JobRef } from "../jobs/index.ts";

/** End of one run of a job, as the backend tells it. The job's record says what became of the job. */
export interface Outcome {
  readonly ref: JobRef;
  /** Why the backend could not get the job done; null when the GPU function answered for it. */
  readonly failure: string | null;
}

/**
 * Properties that all queues of one kind of backend share. They are known without any particular queue, because a run
 * may end after its queue was replaced by another.
 */
export interface BackendKind {
  /**
   * Milliseconds for which a submitted job is believed to wait. This is the meaning of a lost answer: nobody can tell
   * whether the backend still has the job, so it is submitted again after this time. A job that waits twice does no
   * harm, because only one worker can claim it and the attempt fences off all others. 0 for a backend whose queue dies
   * with the process that submits: then the record says nothing about the submission.
   */
  readonly believedMs: number;
  /**
   * Milliseconds that a job waits after a failed run before it is submitted again, so that a backend that refuses
   * everything is not kept busy.
   */
  readonly pauseMs: number;
  /**
   * Reads what the backend tells of a run that has ended. Outcomes may be lost, late, or told twice: the sweep and the
   * leases make up for them. A backend that tells nothing refuses every message.
   *
   * @throws MessageError for a message that names none of this service's jobs
   */
  outcomeOf(message: string): Outcome;
}

/**
 * A place where the GPU function runs jobs: one queue, and the workers behind it. A worker is given the job's record or
 * its reference by `POST /invocations` (`functions/gpu/server.ts`), claims the job in the store, and writes its end there.
 */
export interface Backend extends BackendKind {
  /** Identity of the queue, as records name it. Another name is another queue, which holds none of the old jobs. */
  readonly name: string;
  /**
   * Puts a queued job to work. Resolves once the backend has taken it, which may be long before a worker does.
   *
   * Submitting a job that waits or runs already does no harm.
   *
   * @throws Error when the backend refuses the job, or its answer is lost: the job may have been taken nevertheless
   */
  submit(record: JobRecord): Promise<void>;
  /** Returns how many jobs wait or run here; null for a backend that nobody can ask, or that does not answer. */
  waiting(): Promise<number | null>;
}
