import type { Backend, Outcome } from "../../lib/service/backends/index.ts";
import type { JobRef } from "../../lib/service/jobs/index.ts";
import { MessageError, parsedJson } from "../../lib/service/queue/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { HintQueue } from "./hint-queue.ts";
import type { Network, Process } from "./network.ts";

/**
 * A backend with a queue of its own, in which jobs wait for a worker. It tells how runs ended. It loses, repeats and
 * delays both as the network does hints, and is now and then replaced by another one.
 */
export class Endpoint {
  name = "endpoint-1";
  readonly believedMs = 30 * 60_000;
  /** What was taken, for workers. */
  readonly invocations: HintQueue;
  /** Runs that ended, for whoever settles. */
  readonly ends: HintQueue;
  replacedAt: number;
  readonly #network: Network;

  constructor(network: Network) {
    this.#network = network;
    this.invocations = new HintQueue(network);
    this.ends = new HintQueue(network);
    this.replacedAt = network.time.now;
  }

  /** The endpoint of this moment, as a process reaches it. */
  backendFor(process: Process): Backend {
    const network = this.#network;
    const { name, believedMs } = this;
    return {
      name,
      believedMs,
      pauseMs: 60_000,
      submit: async (record) => {
        await network.sleep(process, network.latency());
        const isRefused = name !== this.name || network.random.chance(network.faults.refused);
        if (isRefused) throw new StoreError("unavailable", "The endpoint takes nothing now.");
        await this.invocations.send(record);
        await network.sleep(process, network.latency());
      },
      outcomeOf: readOutcome,
      waiting: async () => null,
    };
  }

  /** A run of a job has ended, or its worker with it. */
  tell(ref: JobRef): void {
    void this.ends.send(ref);
  }

  /** Another endpoint comes, and the queue of this one is gone. */
  replace(): void {
    this.name = `endpoint-${Number(this.name.split("-")[1]) + 1}`;
    this.replacedAt = this.#network.time.now;
    this.invocations.clear();
  }
}

/** Returns the message by which the endpoint tells of a run that has ended. */
export function outcomeMessage({ ref: { tenant, id }, failure }: Outcome): string {
  return JSON.stringify({ ended: { tenant, id }, failure });
}

function readOutcome(message: string): Outcome {
  const told = parsedJson(message) as { ended?: JobRef; failure?: string | null } | null | undefined;
  if (!told?.ended) throw new MessageError("The message is not what the endpoint says of a run.");
  return { ref: told.ended, failure: told.failure ?? null };
}
