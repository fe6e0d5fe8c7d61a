import type { JobRef } from "../../lib/service/jobs/index.ts";
import type { Run } from "./worker.ts";

/** Permission to take one turn: a hint that jobs wait. */
export interface Turn {
  /** Job that the hint names; null if it names none. */
  readonly named: JobRef | null;
  /** Called when the worker has taken the turn, whatever came of it. */
  taken(run: Run): Promise<void>;
  /** Called when the turn could not be taken, so that another worker takes it. */
  giveBack(): Promise<void>;
}

/** Place where a worker that nobody invokes learns that jobs wait: a queue of messages, or the store itself. */
export interface TurnSource {
  /**
   * Resolves when a turn may be taken, to null when the signal aborts. Only one call waits at a time.
   *
   * @param onAnswer is called whenever the source answers, with a turn or without
   * @throws Error if the source does not answer; the caller asks again after a pause
   */
  next(signal: AbortSignal, onAnswer: () => void): Promise<Turn | null>;
}
