import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from "@aws-sdk/client-sqs";
import { type Backend, runsQueueBackend, runsQueueKind } from "../../lib/service/backends/index.ts";
import type { JobRef } from "../../lib/service/jobs/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import type { Network, Process } from "./network.ts";

export type RunsClient = Pick<SQSClient, "send">;

interface Message {
  readonly body: string;
  visibleAt: number;
  receives: number;
  receipt: string;
}

/** Number of receives after which a message is set aside. */
const RECEIVES_MAX = 5;

const POLL_MS = 1_000;

/**
 * Simulated SQS queue of runs, with the workers that pull from it. It loses no message, but gives some twice, refuses
 * requests, and miscounts. Its clients are those of the AWS SDK, as the backend and the workers use them.
 */
export class RunsQueue {
  readonly name = "runs";
  readonly url = `https://sqs.test/111122223333/${this.name}`;
  readonly believedMs = runsQueueKind.believedMs;
  /** Number of messages that were set aside. */
  dead = 0;
  /** Time at which the last message went; null while there are messages. */
  emptySince: number | null;
  readonly #network: Network;
  readonly #mutate: (client: RunsClient) => RunsClient;
  readonly #polling = new Set<Process>();
  #messages: Message[] = [];
  #receipts = 0;

  constructor(network: Network, mutate: (client: RunsClient) => RunsClient = (client) => client) {
    this.#network = network;
    this.#mutate = mutate;
    this.emptySince = network.time.now;
  }

  /** True if a live worker waits for a message. */
  get hasIdle(): boolean {
    return [...this.#polling].some(({ isAlive }) => isAlive);
  }

  backendFor(process: Process): Backend {
    return runsQueueBackend({ client: this.clientFor(process), url: this.url });
  }

  /** Ends of runs are told to nobody. */
  tell(_ref: JobRef): void {}

  /** Returns the client of a process, with the latency and the faults of the network. */
  clientFor(process: Process): RunsClient {
    const send = async (command: object): Promise<object> => {
      const { faults, random } = this.#network;
      await this.#network.sleep(process, this.#network.latency());
      if (random.chance(faults.refused)) throw refusal();
      const answer = await this.#answer(command, process);
      await this.#network.sleep(process, this.#network.latency());
      if (random.chance(faults.answerLost)) throw refusal();
      return answer;
    };
    return this.#mutate({ send } as RunsClient);
  }

  async #answer(command: object, process: Process): Promise<object> {
    const { time, random, faults } = this.#network;
    if (command instanceof SendMessageCommand) this.#add(command.input.MessageBody!);
    else if (command instanceof ReceiveMessageCommand)
      return this.#receive(process, command.input.WaitTimeSeconds!, command.input.VisibilityTimeout!);
    else if (command instanceof DeleteMessageCommand)
      this.#keep(({ receipt }) => receipt !== command.input.ReceiptHandle);
    else if (command instanceof ChangeMessageVisibilityCommand) {
      const message = this.#messages.find(({ receipt }) => receipt === command.input.ReceiptHandle);
      if (message) message.visibleAt = time.now + command.input.VisibilityTimeout! * 1000;
    } else if (command instanceof GetQueueAttributesCommand) {
      const count = random.chance(faults.hintLate) ? 0 : this.#messages.length;
      return { Attributes: { ApproximateNumberOfMessages: String(count) } };
    }
    return {};
  }

  #add(body: string): void {
    const { random, faults, time } = this.#network;
    const copies = random.chance(faults.hintDoubled) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1)
      this.#messages.push({ body, visibleAt: time.now, receives: 0, receipt: "" });
    this.emptySince = null;
  }

  #keep(isKept: (message: Message) => boolean): void {
    this.#messages = this.#messages.filter(isKept);
    if (this.#messages.length === 0) this.emptySince ??= this.#network.time.now;
  }

  async #receive(process: Process, waitSeconds: number, hiddenSeconds: number): Promise<object> {
    const { time } = this.#network;
    const until = time.now + waitSeconds * 1000;
    this.#polling.add(process);
    try {
      for (;;) {
        const message = this.#take(hiddenSeconds);
        if (message) return { Messages: [{ Body: message.body, ReceiptHandle: message.receipt }] };
        if (time.now >= until) return {};
        await this.#network.sleep(process, POLL_MS);
      }
    } finally {
      this.#polling.delete(process);
    }
  }

  /** Takes a visible message, in no particular order. */
  #take(hiddenSeconds: number): Message | null {
    const { time, random } = this.#network;
    const isSpent = ({ receives, visibleAt }: Message) => receives >= RECEIVES_MAX && visibleAt <= time.now;
    const before = this.#messages.length;
    this.#keep((message) => !isSpent(message));
    this.dead += before - this.#messages.length;
    const visible = this.#messages.filter(({ visibleAt }) => visibleAt <= time.now);
    if (visible.length === 0) return null;
    const message = random.pick(visible);
    this.#receipts += 1;
    message.receives += 1;
    message.receipt = `receipt-${this.#receipts}`;
    message.visibleAt = time.now + hiddenSeconds * 1000;
    return message;
  }
}

function refusal(): StoreError {
  return new StoreError("unavailable", "SQS does not answer.");
}
