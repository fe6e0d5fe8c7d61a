import { randomUUID } from "node:crypto";
import type { SQSBatchResponse, SQSEvent, SQSRecord } from "aws-lambda";
import type { Clock } from "../../lib/shared/ports.ts";

export type Consumer = (event: SQSEvent) => Promise<SQSBatchResponse>;

export interface MessageQueueOptions {
  readonly name: string;
  readonly clock: Clock;
  /** Time for which a received message is hidden from other consumers. */
  readonly visibilityMs?: number;
  /** Number of failed receives after which a message is moved to the dead letters. */
  readonly receivesMax?: number;
  /** Number of messages that a consumer receives at once, 10 by default. */
  readonly batchSize?: number;
  /** Number of batches that are handled at once, without a limit by default. */
  readonly concurrencyMax?: number;
}

/** Message as somebody has received it who pulls. */
export interface Pulled {
  readonly id: string;
  readonly body: string;
  /** Names this receipt of the message: a later one makes it invalid. */
  readonly receipt: string;
}

/** Group and deduplication id, which a message of a FIFO queue has besides its body. */
export interface Ordered {
  readonly group: string;
  readonly deduplicationId: string;
}

/** Time for which a FIFO queue accepts, but does not deliver, messages of a group with the same deduplication id. */
const DEDUPLICATION_MS = 300_000;

interface Message {
  readonly id: string;
  readonly body: string;
  /** Group in a FIFO queue; null in a standard one. */
  readonly group: string | null;
  visibleAt: number;
  receives: number;
}

/**
 * Stand-in for an SQS queue with a Lambda consumer, or with workers that pull, with the guarantees of SQS: at least
 * once, in any order. A FIFO queue has groups: messages of one are received in order, the next when the one before it
 * is gone, and each once.
 */
export class MessageQueue {
  /** Bodies of the dead letters. */
  readonly dead: string[] = [];
  /** Bodies of all messages sent. */
  readonly sent: string[] = [];
  /** Number of next messages that are delivered twice at once. */
  doubles = 0;
  /** Number of next messages that are lost on the way to the queue. */
  losses = 0;
  consumer: Consumer | null = null;
  readonly #options: Required<MessageQueueOptions>;
  #messages: Message[] = [];
  readonly #batches = new Set<Promise<void>>();
  /** Times of the latest messages of a FIFO queue, by group and deduplication id. */
  readonly #orderedAt = new Map<string, number>();

  constructor(options: MessageQueueOptions) {
    this.#options = {
      visibilityMs: 180_000,
      receivesMax: 5,
      batchSize: 10,
      concurrencyMax: Number.POSITIVE_INFINITY,
      ...options,
    };
  }

  /** Number of messages that are not deleted, including hidden ones. */
  get size(): number {
    return this.#messages.length;
  }

  /** True while messages are being handled. */
  get isBusy(): boolean {
    return this.#batches.size > 0;
  }

  send(body: string, delaySeconds = 0, ordered: Ordered | null = null): void {
    this.sent.push(body);
    if (this.losses > 0) {
      this.losses -= 1;
      return;
    }
    const now = this.#options.clock.now();
    if (ordered) {
      const name = JSON.stringify(ordered);
      if (now - (this.#orderedAt.get(name) ?? -Infinity) < DEDUPLICATION_MS) return;
      this.#orderedAt.set(name, now);
    }
    // Without a delay a message can be received at once, also if a test turns the clock back.
    const visibleAt = delaySeconds > 0 ? now + delaySeconds * 1000 : 0;
    const message = { id: randomUUID(), body, group: ordered?.group ?? null, visibleAt, receives: 0 };
    this.#messages.push(message);
    if (this.doubles > 0) {
      this.doubles -= 1;
      this.#messages.push({ ...message });
    }
    this.look();
  }

  /** Delivers visible messages; called after each message and when time has passed. */
  look(): void {
    setImmediate(() => {
      const { batchSize, concurrencyMax } = this.#options;
      const visible = this.#visible();
      // Duplicates are delivered in different batches, since two Lambdas receive them.
      const batch = visible
        .filter(({ id }, index) => visible.findIndex((other) => other.id === id) === index)
        .slice(0, batchSize);
      if (batch.length === 0 || !this.consumer || this.#batches.size >= concurrencyMax) return;
      const handled = this.#deliver(batch, this.consumer);
      this.#batches.add(handled);
      void handled.finally(() => {
        this.#batches.delete(handled);
        this.look();
      });
      if (visible.length > batch.length) this.look();
    });
  }

  /** Returns the messages that can be received now: of a group only the first. */
  #visible(): Message[] {
    const now = this.#options.clock.now();
    const groups = new Set<string>();
    return this.#messages.filter(({ group, visibleAt }) => {
      const isFirst = group === null || !groups.has(group);
      if (group !== null) groups.add(group);
      return isFirst && visibleAt <= now;
    });
  }

  async #deliver(batch: Message[], consume: Consumer): Promise<void> {
    const { clock, visibilityMs, receivesMax } = this.#options;
    for (const message of batch) {
      message.receives += 1;
      message.visibleAt = clock.now() + visibilityMs;
    }
    const response = await consume({ Records: batch.map((message) => this.#record(message)) });
    const failed = new Set(response.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const exhausted = batch.filter(({ id, receives }) => failed.has(id) && receives >= receivesMax);
    this.dead.push(...exhausted.map(({ body }) => body));
    const gone = batch.filter((message) => !failed.has(message.id) || exhausted.includes(message));
    this.#messages = this.#messages.filter((message) => !gone.includes(message));
  }

  /** Stops delivery, and resolves when no message is being handled. */
  async close(): Promise<void> {
    this.consumer = null;
    await Promise.all(this.#batches);
  }

  /** Gives a visible message to somebody who pulls, hidden from others for so long; null if there is none. */
  pull(hiddenMs: number): Pulled | null {
    const { clock, receivesMax } = this.#options;
    for (const message of this.#visible()) {
      if (message.receives >= receivesMax) {
        this.dead.push(message.body);
        this.#remove(message);
        continue;
      }
      message.receives += 1;
      message.visibleAt = clock.now() + hiddenMs;
      return { id: message.id, body: message.body, receipt: `${message.id}-${message.receives}` };
    }
    return null;
  }

  /** Deletes a message that was pulled; nothing happens if it is gone. */
  delete(receipt: string): void {
    const message = this.#received(receipt);
    if (message) this.#remove(message);
  }

  /** Hides a pulled message for so long from now on; with 0 it can be received at once. False if it is gone. */
  hide(receipt: string, hiddenMs: number): boolean {
    const message = this.#received(receipt);
    if (message) message.visibleAt = this.#options.clock.now() + hiddenMs;
    return message !== undefined;
  }

  /** Numbers of messages that can be received and that cannot. */
  get counts(): { readonly visible: number; readonly hidden: number } {
    const visible = this.#visible().length;
    return { visible, hidden: this.#messages.length - visible };
  }

  #received(receipt: string): Message | undefined {
    return this.#messages.find(({ id, receives }) => receipt === `${id}-${receives}`);
  }

  #remove(gone: Message): void {
    this.#messages = this.#messages.filter((message) => message !== gone);
  }

  #record({ id, body, receives }: Message): SQSRecord {
    const now = String(this.#options.clock.now());
    return {
      messageId: id,
      receiptHandle: `${id}-${receives}`,
      body,
      attributes: {
        ApproximateReceiveCount: String(receives),
        SentTimestamp: now,
        SenderId: "sender",
        ApproximateFirstReceiveTimestamp: now,
      },
      messageAttributes: {},
      md5OfBody: "",
      eventSource: "aws:sqs",
      eventSourceARN: `arn:aws:sqs:us-east-1:111122223333:${this.#options.name}`,
      awsRegion: "us-east-1",
    };
  }
}
