import { processState } from "../../lib/shared/process-state.ts";
import type { Output } from "./output.ts";

/** Time in which a repeated signal is ignored, because npm passes on a Ctrl-C that this process has received itself. */
const REPEAT_MS = 500;

/** Milliseconds between two looks at the processes that npm started this one by. */
const ORPHAN_MS = 1000;

/**
 * Returns whether npm, or the shell in which npm runs this script, has ended. npm passes a SIGTERM only to that shell;
 * and when npm is killed, the shell stays and waits. Some shells replace themselves by the script, so that npm is the
 * parent; what started npm may end.
 */
export async function orphanWatch(): Promise<() => Promise<boolean>> {
  if (!process.env.npm_lifecycle_event) return async () => false;
  const parent = process.ppid;
  const shell = await processState(parent);
  if (!shell || !/sh$/.test(shell.name)) return async () => process.ppid !== parent;
  return async () => {
    if (process.ppid !== parent) return true;
    const now = await processState(parent);
    return now !== null && now.parent !== shell.parent;
  };
}

export interface StoppableOptions extends Pick<Output, "log" | "isWorking"> {
  /** Stops in order. */
  readonly stop: () => Promise<void>;
  /** Time that a job under way gets. */
  readonly graceMs: number;
  readonly isOrphaned: () => Promise<boolean>;
}

/** Stops on SIGINT (Ctrl-C), on SIGTERM, and when npm is gone; then ends the process. */
export function stopOnSignals({ stop, graceMs, log, isWorking, isOrphaned }: StoppableOptions): void {
  let stoppingSince: number | null = null;
  const begin = () => {
    if (stoppingSince !== null) {
      // A second signal ends the process at once. Jobs under way begin anew at the next start.
      if (performance.now() - stoppingSince > REPEAT_MS) process.exit(1);
      return;
    }
    stoppingSince = performance.now();
    const left = `a video under way has ${Math.round(graceMs / 1000)} seconds; Ctrl-C again ends it at once`;
    log.info(isWorking() ? `stopping: ${left}` : "stopping");
    stop().then(
      () => process.exit(0),
      (error: Error) => {
        log.error({ reason: error.message }, "the stop was not in order");
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", begin);
  process.on("SIGTERM", begin);
  const watch = setInterval(async () => {
    if (!(await isOrphaned())) return;
    clearInterval(watch);
    if (stoppingSince === null) begin();
  }, ORPHAN_MS);
}
