import { pull } from "../../functions/gpu/pull.ts";
import { queueTurns } from "../../functions/gpu/queue-turns.ts";
import { storeTurns } from "../../functions/gpu/store-turns.ts";
import type { TurnSource } from "../../functions/gpu/turn-source.ts";
import type { Run } from "../../functions/gpu/worker.ts";
import { fairTurns, type JobRef, type PassedOver, passedOver } from "../../lib/service/jobs/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import type { RunsQueue } from "./runs-queue.ts";
import { type RunnerOptions, silent, takeTurn } from "./worker.ts";

export interface PullerOptions extends RunnerOptions {
  /** Told when the worker begins and ends to wait for a turn. */
  readonly onWait: (isWaiting: boolean) => void;
  /** Changes what the worker remembers of jobs that others hold. */
  readonly remembers?: (seen: PassedOver) => PassedOver;
}

const PAUSE_MS_MAX = 2_000;

/** Runs the jobs that it finds in the store, with the loop of the GPU function, until it is told to stop. */
export async function runStorePuller(options: PullerOptions): Promise<void> {
  const { process, network, jobs, onWait, remembers = (seen) => seen } = options;
  const seen = remembers(passedOver({ elapsed: () => network.time.now }));
  const source = storeTurns({
    jobs,
    passedOver: seen,
    async pause(durationMs) {
      onWait(true);
      await network.sleep(process, durationMs);
      onWait(false);
    },
    random: network.random.bytes,
    pauseMsMax: PAUSE_MS_MAX,
  });
  await runPuller(source, seen, options);
}

/** Runs the jobs whose turns it pulls from a queue, with the loop of the GPU function, until it is told to stop. */
export async function runQueuePuller(queue: RunsQueue, options: RunnerOptions): Promise<void> {
  const { process, network, jobs } = options;
  const repeat = (action: () => void, everyMs: number) => {
    let isStopped = false;
    const next = async () => {
      await network.sleep(process, everyMs);
      if (isStopped) return;
      action();
      void next();
    };
    void next();
    return () => {
      isStopped = true;
    };
  };
  const { url } = queue;
  const { clock } = process;
  const client = queue.clientFor(process);
  await runPuller(queueTurns({ client, url, jobs, clock, log: silent, repeat }), undefined, options);
}

async function runPuller(source: TurnSource, seen: PassedOver | undefined, options: RunnerOptions) {
  const { process, network } = options;
  const stopping = new AbortController();
  const turns = fairTurns({ ...options, clock: process.clock, canRun: () => true, passedOver: seen });
  let broken: unknown = null;
  const worker = {
    async run(named: JobRef | null): Promise<Run> {
      try {
        const { hasRun, isStopping, record } = await takeTurn(named, turns, options);
        if (isStopping) stopping.abort();
        return hasRun && record ? { outcome: "ran", record } : { outcome: "idle" };
      } catch (error) {
        // The loop would go on after it, as after a store that does not answer.
        if (!(error instanceof StoreError)) broken ??= error;
        throw error;
      }
    },
  };
  await pull(
    {
      source,
      worker,
      models: { fault: null, recheck: async () => undefined },
      protection: null,
      pause: (durationMs) => (broken ? Promise.reject(broken) : network.sleep(process, durationMs)),
      random: network.random.bytes,
      log: silent,
    },
    stopping.signal,
  );
  process.die();
}
