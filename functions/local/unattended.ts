import type { SweepReport } from "../../lib/service/jobs/index.ts";
import type { Timers } from "../../lib/shared/ports.ts";

/** Time for which videos wait before the log tells that nobody makes one: longer than a machine takes to start. */
export const UNATTENDED_MS = 10 * 60_000;

/**
 * Makes a watch over a service whose workers are elsewhere. It is told of each sweep, and returns true when videos have
 * waited for {@link UNATTENDED_MS} and none was being made; again each time that this time has passed.
 */
export function unattendedWatch({ elapsed }: Pick<Timers, "elapsed">) {
  let since: number | null = null;
  return ({ queued, running }: Pick<SweepReport, "queued" | "running">): boolean => {
    const now = elapsed();
    if (queued === 0 || running > 0) since = null;
    else if (since === null) since = now;
    else if (now - since >= UNATTENDED_MS) {
      since = now;
      return true;
    }
    return false;
  };
}
