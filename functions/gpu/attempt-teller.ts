import type { JobProgress, JobRecord } from "../../lib/service/jobs/index.ts";
import type { ObjectStore } from "../../lib/service/storage/index.ts";
import type { Lease } from "./lease.ts";
import type { Log } from "./log.ts";
import { type AttemptPreviews, keepPreviews } from "./previews.ts";

/** Listeners to an attempt that runs, which hear more than its record tells. */
export interface AttemptListeners {
  /** Called with each progress, which is stored less often. */
  readonly onAttemptProgress?: ((record: JobRecord, progress: JobProgress) => void) | undefined;
  /** Called with each preview, an animated WebP, and the steps that were done. */
  readonly onAttemptPreview?: ((record: JobRecord, step: number, webp: Uint8Array) => void) | undefined;
}

export interface AttemptTellerOptions extends AttemptListeners {
  readonly store: ObjectStore;
  readonly progressIntervalMs: number;
  readonly log: Log;
}

/** Teller of the progress and the previews of one attempt. */
export interface AttemptTeller extends Pick<AttemptPreviews, "show" | "end"> {
  report(progress: JobProgress): void;
}

/** Tells of an attempt through its lease, and to listeners, until it has ended or the lease is lost. */
export function tellOfAttempt(
  record: JobRecord,
  lease: Pick<Lease, "signal" | "report">,
  options: AttemptTellerOptions,
): AttemptTeller {
  const { store, log, progressIntervalMs: intervalMs, onAttemptProgress, onAttemptPreview } = options;
  let newest: JobProgress | null = null;
  let preview: number | null = null;

  function report(progress: JobProgress): void {
    if (lease.signal.aborted) return;
    newest = { ...progress, preview };
    lease.report(newest);
    onAttemptProgress?.(record, newest);
  }

  const { show, end } = keepPreviews(record, {
    ...{ store, log, intervalMs, signal: lease.signal },
    onMade: (step, webp) => onAttemptPreview?.(record, step, webp),
    onStored(step) {
      preview = step;
      if (newest) report(newest);
    },
  });
  return { report, show, end };
}
