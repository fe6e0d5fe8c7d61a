import type { Random } from "../../lib/shared/ports.ts";
import { doubling, Tries } from "../../lib/shared/retry.ts";
import { type Log, reasonOf } from "./log.ts";
import type { TaskProtection } from "./task-protection.ts";
import type { Turn, TurnSource } from "./turn-source.ts";
import type { WarmModels } from "./warm-models.ts";
import type { Run, Worker } from "./worker.ts";

/** Resolves after so many milliseconds, or when the signal aborts. */
export type Pause = (durationMs: number, signal: AbortSignal) => Promise<void>;

export interface PullOptions {
  readonly source: TurnSource;
  readonly worker: Pick<Worker, "run">;
  readonly models: Pick<WarmModels, "names" | "fault" | "open">;
  /** Promise that the machine stays while a turn is taken; null where nobody takes it away. */
  readonly protection: TaskProtection | null;
  readonly pause: Pause;
  readonly random: Random;
  readonly log: Log;
}

/** Pauses after a turn that failed, so that a store which does not answer is not asked all the time. */
const FAILED_MS = { firstMs: 1_000, maxMs: 60_000 };

/** Pauses before a model is opened again on a machine that is at fault. */
const FAULT_MS = { firstMs: 10_000, maxMs: 300_000 };

/**
 * Takes one turn after another until the signal aborts; then resolves as soon as the turn under way has ended, which is
 * the worker's to stop. Each turn of the source is either taken or given back. Errors of the source, the store and the
 * platform are logged, and followed by ever longer pauses.
 */
export async function pull(options: PullOptions, signal: AbortSignal): Promise<void> {
  const { models, pause, random } = options;
  const failed = new Tries({
    waits: doubling({ ...FAILED_MS, random }),
    sleep: (durationMs) => pause(durationMs, signal),
  });
  while (!signal.aborted) {
    if (models.fault !== null) await untilWell(options, signal);
    else if (await isTurnTaken(options, signal)) failed.restart();
    else await failed.wait();
  }
}

/**
 * Opens a model again and again until the machine is no longer at fault. Meanwhile it takes no jobs, which would fail
 * one after another while other workers could make them.
 */
async function untilWell({ models, pause, random, log }: PullOptions, signal: AbortSignal): Promise<void> {
  log.error({ reason: models.fault }, "no jobs are taken until a model can be opened here");
  const tries = new Tries({
    waits: doubling({ ...FAULT_MS, random }),
    sleep: (durationMs) => pause(durationMs, signal),
  });
  while (models.fault !== null) {
    await tries.wait();
    if (signal.aborted) return;
    await models.open(models.names[0]!, signal).catch((error: unknown) => {
      if (!signal.aborted) log.warn({ reason: reasonOf(error) }, "a model cannot be opened yet");
    });
  }
  log.info({}, "a model can be opened again, and jobs are taken");
}

/** Takes the next turn. Resolves to false if it was in vain, so that there is to be a pause before the next one. */
async function isTurnTaken({ source, worker, protection, log }: PullOptions, signal: AbortSignal) {
  let turn: Turn | null = null;
  try {
    turn = await source.next(signal);
    if (turn === null) return true;
    const isHeld = (await protection?.hold()) ?? true;
    const run = isHeld ? await worker.run(turn.named) : null;
    const ended = turn;
    turn = null;
    if (run === null || run.outcome === "busy" || run.outcome === "stopping") {
      await ended.giveBack();
      return false;
    }
    await ended.taken(run);
    return !isQueuedAgain(run);
  } catch (error) {
    log.warn({ reason: reasonOf(error) }, "a turn failed, and the next one comes after a pause");
    await turn?.giveBack().catch((reason: unknown) => {
      log.warn({ reason: reasonOf(reason) }, "a turn could not be given back, and comes back by itself");
    });
    return false;
  } finally {
    await protection?.release();
  }
}

/** Returns whether a job waits again after its run: this worker has failed it, and another one may be luckier. */
function isQueuedAgain(run: Run): boolean {
  return run.outcome === "ran" && run.record.status === "queued";
}
