import { type Log, reasonOf } from "./log.ts";

/** Outage of what is asked again and again. */
export interface Outage {
  /** Called with each failure, and the fields of its line, such as the id of a job. */
  failed(error: unknown, more?: object): void;
  /** Called with each success. */
  ended(): void;
}

export interface OutageOptions {
  readonly log: Pick<Log, "info" | "warn">;
  /** Message of a failure. */
  readonly failing: string;
  /** Message of the end. */
  readonly ended: string;
  /** Fields of each line. */
  readonly fields?: object | undefined;
  /** Milliseconds of a clock that cannot be set. */
  readonly elapsed?: (() => number) | undefined;
}

/** Number of reasons that are told of one outage. A reason with a number in it may be another one each time. */
const REASONS_MAX = 5;

/**
 * Makes a teller of outages: the log has their beginning with its reason, each further reason once, and their end with
 * their duration, whatever the number of tries between them.
 */
export function outageTeller({
  log,
  failing,
  ended,
  fields,
  elapsed = () => performance.now(),
}: OutageOptions): Outage {
  const reasons = new Set<string>();
  let failures = 0;
  let begunAt = 0;
  return {
    failed(error, more) {
      if (failures === 0) begunAt = elapsed();
      failures += 1;
      const reason = reasonOf(error);
      if (reasons.has(reason) || reasons.size === REASONS_MAX) return;
      reasons.add(reason);
      log.warn({ ...fields, ...more, reason }, failing);
    },
    ended() {
      if (failures === 0) return;
      const seconds = Math.round((elapsed() - begunAt) / 100) / 10;
      log.info({ ...fields, failures, seconds }, ended);
      reasons.clear();
      failures = 0;
    },
  };
}
