import type { Backend, Outcome } from "../../lib/service/backends/index.ts";
import type { JobRef } from "../../lib/service/jobs/index.ts";
import { MessageError, parsedJson } from "../../lib/service/queue/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { HintQueue } from "./hint-queue.ts";
import type { Network, Process } from "./network.ts";

/**
 * Simulated backend: jobs wait in its queue for a worker, and it reports the ends of runs. Like hints, both are lost,
 * repeated and delayed. From time to time the endpoint is replaced.
 */
export class Endpoint {
  name = "endpoint-1";
  readonly believedMs = 30 * 60_000;
  /** Accepted jobs, received by workers. */
  readonly invocations: HintQueue;
  /** Ends of runs, received by settlers. */
  readonly ends: HintQueue;
  replacedAt: number;
  readonly #network: Network;

  constructor(network: Network) {
    this.#network = network;
    this.invocations = new HintQueue(network);
    this.ends = new HintQueue(network);
    this.replacedAt = network.time.now;
  }

  /** Returns the current endpoint as a process reaches it. */
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

  /** Reports that a run of the job has ended, or that its worker died. */
  tell(ref: JobRef): void {
    void this.ends.send(ref);
  }

  /** Replaces the endpoint; its queue is lost. */
  replace(): void {
    this.name = `endpoint-${Number(this.name.split("-")[1]) + 1}`;
    this.replacedAt = this.#network.time.now;
    this.invocations.clear();
  }
}

/** Returns the endpoint's message that a run has ended. */
export function outcomeMessage({ ref: { tenant, id }, failure }: Outcome): string {
  return JSON.stringify({ ended: { tenant, id }, failure });
}

function readOutcome(message: string): Outcome {
  const told = parsedJson(message) as { ended?: JobRef; failure?: string | null } | null | undefined;
  if (!told?.ended) throw new MessageError("The message is not what the endpoint says of a run.");
  return { ref: told.ended, failure: told.failure ?? null };
}
