import type { JobRef } from "../../lib/service/jobs/index.ts";
import { jobAt } from "../../lib/service/queue/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { HintQueue } from "./hint-queue.ts";
import type { Network, Process } from "./network.ts";

/** What the simulated endpoint is asked with: as much of InvokeEndpointAsync as it looks at. */
interface Invoke {
  readonly input: { readonly EndpointName?: string | undefined; readonly InputLocation?: string | undefined };
}

export const STORE_URL = "s3://videos";

/**
 * An asynchronous endpoint of SageMaker: jobs wait in its queue for a worker, and it tells how invocations ended. It
 * loses, repeats and delays both as the network does hints, and is now and then replaced by another one.
 */
export class Endpoint {
  name = "endpoint-1";
  /** What was taken, for workers. */
  readonly invocations: HintQueue;
  /** How invocations ended, for whoever settles. */
  readonly ends: HintQueue;
  replacedAt: number;
  readonly #network: Network;

  constructor(network: Network) {
    this.#network = network;
    this.invocations = new HintQueue(network);
    this.ends = new HintQueue(network);
    this.replacedAt = network.time.now;
  }

  /** The client of SageMaker's runtime that a process has. */
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

  /** The invocation of a job has ended, or its worker with it. */
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
