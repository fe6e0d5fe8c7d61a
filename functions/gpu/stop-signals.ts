import { once } from "node:events";
import type { Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { hasParent } from "./parent.ts";
import type { Worker } from "./worker.ts";

export interface StopOptions {
  readonly worker: Worker;
  readonly server: Server;
  /** Time that the running job gets after SIGTERM. */
  readonly graceMs: number;
  /** Called when the worker is told to stop. The process waits for what it returns before it exits. */
  readonly onStop: () => Promise<void>;
}

/** Time after the grace in which a job is handed back. SageMaker kills the process 30 s after SIGTERM. */
const RELEASE_MS = 4_000;
const ANSWER_MS = 500;

/** Exits on SIGTERM, which the first process of a container ignores without a handler. */
export function leaveWhenTold(): void {
  process.on("SIGTERM", leave);
}

function leave(): void {
  process.exit(0);
}

/**
 * Stops the worker on a signal, or when the parent process ends. SIGTERM gives the running job some time. A second
 * SIGTERM, SIGINT (Ctrl-C) or the end of the parent releases the job at once.
 */
export function stopWhenTold({ worker, server, graceMs, onStop }: StopOptions): void {
  let isStopping = false;
  const stop = (isUrgent: boolean) => {
    if (isUrgent || isStopping) worker.handBack();
    if (isStopping) return;
    isStopping = true;
    setTimeout(leave, graceMs + RELEASE_MS);
    Promise.all([worker.stop(graceMs), onStop()]).then(() => exitAfterAnswers(server));
  };
  process.off("SIGTERM", leave);
  process.on("SIGTERM", () => stop(false));
  process.on("SIGINT", () => stop(true));
  process.on("disconnect", () => stop(true));
  // The parent may have died before the handlers were set.
  if (hasParent() && !process.connected) stop(true);
}

/** Exits after pending requests are answered. The child process that holds the model ends with this one. */
async function exitAfterAnswers(server: Server): Promise<void> {
  server.close();
  await Promise.race([once(server, "close"), sleep(ANSWER_MS)]);
  process.exit(0);
}
