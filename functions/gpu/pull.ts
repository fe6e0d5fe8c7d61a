import type { Random } from "../../lib/shared/ports.ts";
import { doubling, Tries } from "../../lib/shared/retry.ts";
import type { Log } from "./log.ts";
import { type Outage, outageTeller } from "./outage.ts";
import type { TaskProtection } from "./task-protection.ts";
import type { Turn, TurnSource } from "./turn-source.ts";
import type { WarmModels } from "./warm-models.ts";
import type { Run, Worker } from "./worker.ts";

/** Resolves after so many milliseconds, or when the signal aborts. */
export type Pause = (durationMs: number, signal: AbortSignal) => Promise<void>;

export interface PullOptions {
  readonly source: TurnSource;
  readonly worker: Pick<Worker, "run">;
  readonly models: Pick<WarmModels, "fault" | "recheck">;
  /** Promise that the machine stays while a turn is taken; null where nobody takes it away. */
  readonly protection: TaskProtection | null;
  readonly pause: Pause;
  readonly random: Random;
  readonly log: Log;
}

/** Pauses after a turn that failed, so that a store which does not answer is not asked all the time. */
const FAILED_MS = { firstMs: 1_000, maxMs: 60_000 };

/** Pauses before a machine that is at fault is looked at again. */
const FAULT_MS = { firstMs: 10_000, maxMs: 300_000 };

/**
 * Takes one turn after another until the signal aborts; then resolves as soon as the turn under way has ended, which is
 * the worker's to stop. Each turn of the source is either taken or given back. Errors of the source, the store and the
 * platform are followed by ever longer pauses, and the log has the beginning and the end of each outage.
 */
export async function pull(options: PullOptions, signal: AbortSignal): Promise<void> {
  const { models, pause, random } = options;
  const outages = outagesOf(options);
  const failed = new Tries({
    waits: doubling({ ...FAILED_MS, random }),
    sleep: (durationMs) => pause(durationMs, signal),
  });
  while (!signal.aborted) {
    if (models.fault !== null) await untilWell(options, signal);
    else if (await isTurnTaken(options, outages, signal)) failed.restart();
    else await failed.wait();
  }
}

/**
 * Looks at the machine again and again until it is no longer at fault. Meanwhile it takes no jobs, which would fail one
 * after another while other workers could make them.
 */
async function untilWell({ models, pause, random, log }: PullOptions, signal: AbortSignal): Promise<void> {
  const outage = outageTeller({
    log,
    failing: "no jobs are taken until this machine is well",
    ended: "this machine is well again, and takes jobs",
  });
  outage.failed(models.fault);
  const tries = new Tries({
    waits: doubling({ ...FAULT_MS, random }),
    sleep: (durationMs) => pause(durationMs, signal),
  });
  while (models.fault !== null) {
    await tries.wait();
    if (signal.aborted) return;
    await models.recheck(signal).catch((error: unknown) => signal.aborted || outage.failed(error));
  }
  outage.ended();
}

/** Outages of what a worker does again and again: it asks for turns, takes those that it gets, and returns others. */
interface Outages {
  readonly asking: Outage;
  readonly taking: Outage;
  readonly returning: Outage;
}

function outagesOf({ log }: PullOptions): Outages {
  return {
    asking: outageTeller({
      log,
      failing: "no turn could be had, and the next one is asked for after a pause",
      ended: "turns can be had again",
    }),
    taking: outageTeller({
      log,
      failing: "a turn failed, and the next one comes after a pause",
      ended: "turns succeed again",
    }),
    returning: outageTeller({
      log,
      failing: "a turn could not be given back, and comes back by itself",
      ended: "turns can be given back again",
    }),
  };
}

/** Takes the next turn. Resolves to false if it was in vain, so that there is to be a pause before the next one. */
async function isTurnTaken(
  { source, worker, protection }: PullOptions,
  { asking, taking, returning }: Outages,
  signal: AbortSignal,
): Promise<boolean> {
  let turn: Turn | null = null;
  let outage = asking;
  try {
    turn = await source.next(signal, asking.ended);
    if (turn === null) return true;
    outage = taking;
    const isHeld = (await protection?.hold()) ?? true;
    const run = isHeld ? await worker.run(turn.named) : null;
    const ended = turn;
    turn = null;
    if (run === null || run.outcome === "busy" || run.outcome === "stopping") {
      await ended.giveBack();
      return false;
    }
    await ended.taken(run);
    taking.ended();
    return !isQueuedAgain(run);
  } catch (error) {
    outage.failed(error);
    await turn?.giveBack().then(returning.ended, returning.failed);
    return false;
  } finally {
    await protection?.release();
  }
}

/** Returns whether a job waits again after its run: this worker has failed it, and another one may be luckier. */
function isQueuedAgain(run: Run): boolean {
  return run.outcome === "ran" && run.record.status === "queued";
}
