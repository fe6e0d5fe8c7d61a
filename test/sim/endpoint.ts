import type { JobRef } from "../../lib/service/jobs/index.ts";
import { jobAt } from "../../lib/service/queue/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { HintQueue } from "./hint-queue.ts";
import type { Network, Process } from "./network.ts";

/** Subset of InvokeEndpointAsync's input that the simulated endpoint reads. */
interface Invoke {
  readonly input: { readonly EndpointName?: string | undefined; readonly InputLocation?: string | undefined };
}

export const STORE_URL = "s3://videos";

/**
 * Simulated asynchronous endpoint of SageMaker: jobs wait in its queue for a worker, and it reports the ends
 * of invocations. Like hints, both are lost, repeated and delayed. From time to time the endpoint is
 * replaced.
 */
export class Endpoint {
  name = "endpoint-1";
  /** Accepted invocations, received by workers. */
  readonly invocations: HintQueue;
  /** Ends of invocations, received by settlers. */
  readonly ends: HintQueue;
  replacedAt: number;
  readonly #network: Network;

  constructor(network: Network) {
    this.#network = network;
    this.invocations = new HintQueue(network);
    this.ends = new HintQueue(network);
    this.replacedAt = network.time.now;
  }

  /** Returns a process's client of SageMaker's runtime. */
  runtimeFor(process: Process) {
    const send = async ({ input }: Invoke): Promise<void> => {
      const network = this.#network;
      await network.sleep(process, network.latency());
      const isRefused = input.EndpointName !== this.name || network.random.chance(network.faults.refused);
      if (isRefused) throw new StoreError("unavailable", "The endpoint takes nothing now.");
      await this.invocations.send(jobAt(STORE_URL, input.InputLocation!)!);
      await network.sleep(process, network.latency());
    };
    return { send: send as never };
  }

  /** Reports that the invocation of a job has ended, or that its worker died. */
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
