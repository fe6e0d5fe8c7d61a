import { randomUUID } from "node:crypto";
import type { ObjectStore } from "../../lib/service/storage/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import { notification } from "./notification.ts";

export interface AsyncEndpointOptions {
  readonly name: string;
  /** Bucket, accessed with the endpoint's own role. */
  readonly store: ObjectStore;
  readonly storeUrl: string;
  /** URL of the container; resolves once it listens. */
  readonly container: () => Promise<string>;
  /** Publishes the end of an invocation. */
  readonly notify: (body: string) => void;
  readonly clock: Clock;
}

export interface Invocation {
  readonly inputLocation: string;
  readonly inferenceId: string;
  readonly contentType: string;
  readonly ttlSeconds: number;
}

/** Number of times that each fault occurs from now on. */
export interface EndpointFaults {
  /** Invocations refused, to be tried again. */
  throttled: number;
  /** Invocations accepted and lost. */
  lostInvocations: number;
  lostNotifications: number;
  /** Invocations given to the container twice, one after the other. */
  repeatedInvocations: number;
  /** Invocations that fail with 500 before they reach the container. */
  serverErrors: number;
}

/** Stand-in for an asynchronous endpoint of SageMaker with one instance, which runs one invocation at a time. */
export class AsyncEndpoint {
  readonly name: string;
  readonly faults: EndpointFaults = {
    throttled: 0,
    lostInvocations: 0,
    lostNotifications: 0,
    repeatedInvocations: 0,
    serverErrors: 0,
  };
  /** All accepted invocations. */
  readonly invocations: Invocation[] = [];
  readonly #options: AsyncEndpointOptions;
  #waiting: (Invocation & { readonly expiresAt: number; readonly outputKey: string })[] = [];
  #working: Promise<void> | null = null;
  #isAwake = true;

  constructor(options: AsyncEndpointOptions) {
    this.name = options.name;
    this.#options = options;
  }

  /** Accepts an invocation, and returns the location of its output. */
  take(invocation: Invocation): { readonly outputLocation: string; readonly failureLocation: string } {
    this.invocations.push(invocation);
    const outputKey = `invocations/${randomUUID()}`;
    if (this.faults.lostInvocations > 0) this.faults.lostInvocations -= 1;
    else {
      const expiresAt = this.#options.clock.now() + invocation.ttlSeconds * 1000;
      const isRepeated = this.faults.repeatedInvocations > 0;
      if (isRepeated) this.faults.repeatedInvocations -= 1;
      const queued = { ...invocation, expiresAt, outputKey };
      this.#waiting.push(...(isRepeated ? [queued, queued] : [queued]));
      this.#work();
    }
    const location = `${this.#options.storeUrl}/${outputKey}`;
    return { outputLocation: `${location}.out`, failureLocation: `${location}-error.out` };
  }

  /** Removes the instance: accepted invocations wait. */
  sleep(): void {
    this.#isAwake = false;
  }

  wake(): void {
    this.#isAwake = true;
    this.#work();
  }

  /** Deletes the endpoint with its queue; resolves when no invocation is running. */
  async close(): Promise<void> {
    this.sleep();
    this.#waiting = [];
    await this.#working;
  }

  #work(): void {
    this.#working ??= this.#run().finally(() => {
      this.#working = null;
      if (this.#isAwake && this.#waiting.length > 0) this.#work();
    });
  }

  async #run(): Promise<void> {
    while (this.#isAwake) {
      const next = this.#waiting.shift();
      if (!next) return;
      const { store, storeUrl, notify } = this.#options;
      const end = await this.#invoke(next);
      const key = next.outputKey + (end.failureReason === undefined ? ".out" : "-error.out");
      await store.put(key, end.body);
      if (this.faults.lostNotifications > 0) {
        this.faults.lostNotifications -= 1;
        continue;
      }
      const { inputLocation, inferenceId } = next;
      const { failureReason } = end;
      const location = `${storeUrl}/${key}`;
      notify(
        notification({
          inputLocation,
          inferenceId,
          endpointName: this.name,
          location,
          ...(failureReason !== undefined && { failureReason }),
        }),
      );
    }
  }

  async #invoke({
    inputLocation,
    contentType,
    expiresAt,
  }: Invocation & { readonly expiresAt: number }): Promise<{ body: Uint8Array; failureReason?: string }> {
    const { store, storeUrl, container, clock } = this.#options;
    if (clock.now() >= expiresAt) return failed("The request has expired in the queue.");
    const input = await store.get(inputLocation.slice(storeUrl.length + 1));
    if (!input) return failed("ClientError: the input cannot be read.");
    if (this.faults.serverErrors > 0) {
      this.faults.serverErrors -= 1;
      return failed("Received server error (500) from model.");
    }
    try {
      const answer = await fetch(`${await container()}/invocations`, {
        method: "POST",
        headers: { "content-type": contentType },
        body: Buffer.from(input.body),
      });
      // Asynchronous endpoints accept no chunked answers.
      if (!answer.headers.has("content-length")) return failed("The answer has no Content-Length.");
      const body = new Uint8Array(await answer.arrayBuffer());
      if (answer.ok) return { body };
      return { body, failureReason: `Received server error (${answer.status}) from model.` };
    } catch (error) {
      // The connection broke, or the container is gone.
      if (error instanceof TypeError) return failed("Received server error (0) from model.");
      throw error;
    }
  }
}

function failed(failureReason: string): { body: Uint8Array; failureReason: string } {
  return { body: new TextEncoder().encode(failureReason), failureReason };
}
