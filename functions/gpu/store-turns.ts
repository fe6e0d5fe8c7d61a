import type { JobStore, PassedOver } from "../../lib/service/jobs/index.ts";
import type { Random } from "../../lib/shared/ports.ts";
import { doubling } from "../../lib/shared/retry.ts";
import type { Pause } from "./pull.ts";
import type { Turn, TurnSource } from "./turn-source.ts";

export interface StoreTurnsOptions {
  readonly jobs: Pick<JobStore, "unfinished">;
  /** Jobs that do not wait for this worker, as its own turns have seen. */
  readonly passedOver: PassedOver;
  readonly pause: Pause;
  readonly random: Random;
  /** Longest pause between two looks, in milliseconds. */
  readonly pauseMsMax: number;
}

const PAUSE_MS_MIN = 100;

/**
 * Takes turns from the markers of unfinished jobs in the store itself, where no backend has a queue. A look is one
 * listing, whatever the number of jobs that others run; a turn follows if there is a job that the worker has not passed
 * over. After a run the next turn comes at once, otherwise after a random pause that grows up to `pauseMsMax`. A turn
 * that is given back needs nothing: its marker is still there.
 */
export function storeTurns({ jobs, passedOver, pause, random, pauseMsMax }: StoreTurnsOptions): TurnSource {
  const schedule = () =>
    doubling({ firstMs: Math.min(PAUSE_MS_MIN, pauseMsMax), maxMs: pauseMsMax, random })[Symbol.iterator]();
  let pauses = schedule();
  let hasJustRun = true;

  const turn: Turn = {
    named: null,
    async taken({ outcome }) {
      hasJustRun = outcome === "ran";
      if (hasJustRun) pauses = schedule();
    },
    giveBack: async () => undefined,
  };

  async function isAnythingNew(): Promise<boolean> {
    for await (const ref of jobs.unfinished()) if (!passedOver.has(ref)) return true;
    return false;
  }

  return {
    async next(signal, onAnswer) {
      while (!signal.aborted) {
        if (hasJustRun) {
          hasJustRun = false;
          return turn;
        }
        await pause(pauses.next().value!, signal);
        if (signal.aborted) return null;
        const hasTurn = await isAnythingNew();
        onAnswer();
        if (hasTurn) return turn;
      }
      return null;
    },
  };
}
