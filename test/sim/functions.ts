import { dispatch } from "../../functions/dispatch/dispatch.ts";
import { settle } from "../../functions/settle/settle.ts";
import type { DelayedHints, JobStore } from "../../lib/service/jobs/index.ts";
import type { Hinted } from "../../lib/service/queue/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { type Endpoint, outcomeMessage } from "./endpoint.ts";
import type { HintQueue } from "./hint-queue.ts";
import type { Network, Process } from "./network.ts";

export interface FunctionOptions {
  readonly process: Process;
  readonly network: Network;
  readonly endpoint: Pick<Endpoint, "backendFor">;
  readonly jobs: JobStore;
  readonly work: HintQueue;
  readonly hints: DelayedHints;
}

/** Time until a queue delivers a message again that could not be handled. */
const VISIBILITY_MS = 180_000;

export async function runDispatcher(options: FunctionOptions): Promise<never> {
  const { process, network, endpoint, work, ...given } = options;
  const deps = {
    ...given,
    clock: process.clock,
    sleep: (durationMs: number) => network.sleep(process, durationMs),
  };
  for (;;) {
    const ref = await work.receive(process);
    await orLater(work, ref, () => dispatch({ ...deps, backend: endpoint.backendFor(process) }, ref));
  }
}

export async function runSettler({
  process,
  network,
  endpoint,
  ...given
}: FunctionOptions & { readonly endpoint: Endpoint }): Promise<never> {
  const sleep = (durationMs: number) => network.sleep(process, durationMs);
  for (;;) {
    const ref = await endpoint.ends.receive(process);
    const failure = network.random.chance(0.5) ? "The worker was lost." : null;
    const backend = endpoint.backendFor(process);
    const outcome = backend.outcomeOf(outcomeMessage({ ref, failure }));
    await orLater(endpoint.ends, ref, () => settle({ ...given, backend, sleep }, outcome));
  }
}

/** Handles a job, and sends it to the queue again if the store failed, as SQS does. */
export async function orLater(queue: HintQueue, ref: Hinted, handle: () => Promise<unknown>): Promise<void> {
  try {
    await handle();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    await queue.send(ref, VISIBILITY_MS);
  }
}
