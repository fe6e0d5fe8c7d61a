import type { JobRecord, JobRef } from "../../lib/service/jobs/index.ts";
import { jobName } from "./webhook-queues.ts";

/**
 * Unfinished jobs as this process last saw them. Workers of other machines tell nobody here what they do, so the sweeps
 * show it: a job that a sweep sees in another state has begun, and one that it sees no more has ended.
 */
export interface JobChanges {
  /** Notes a job that is about to be unfinished, and may end before a sweep sees it. */
  expect(ref: JobRef): void;
  /** Notes an unfinished job; returns whether its status or attempt is news. */
  see(record: JobRecord): boolean;
  /** Forgets a job whose end is known. */
  forget(ref: JobRef): void;
  /** Notes that a sweep begins. */
  beginSweep(): void;
  /** Returns the known jobs that were neither seen nor expected since the sweep began, and forgets them. */
  takeGone(): JobRef[];
}

interface Known {
  readonly ref: JobRef;
  /** Status and attempt; null if they are not known. */
  readonly state: string | null;
  /** Number of the sweeps that had begun. */
  readonly sweep: number;
}

export function jobChanges(): JobChanges {
  const known = new Map<string, Known>();
  let sweep = 0;
  return {
    expect({ tenant, id }) {
      const name = jobName({ tenant, id });
      if (!known.has(name)) known.set(name, { ref: { tenant, id }, state: null, sweep });
    },
    see({ tenant, id, status, attempt }) {
      const name = jobName({ tenant, id });
      const state = `${status} ${attempt}`;
      const isNews = known.get(name)?.state !== state;
      known.set(name, { ref: { tenant, id }, state, sweep });
      return isNews;
    },
    forget: (ref) => void known.delete(jobName(ref)),
    beginSweep() {
      sweep += 1;
    },
    takeGone() {
      const gone = [...known].filter(([, { sweep: seen }]) => seen < sweep);
      for (const [name] of gone) known.delete(name);
      return gone.map(([, { ref }]) => ref);
    },
  };
}
