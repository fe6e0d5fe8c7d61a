import type { PostResult } from "../../lib/service/net/index.ts";
import type { Post } from "../../lib/service/webhooks/index.ts";
import type { Network, Process } from "./network.ts";

/** Time after a fault during which a process may be too slow for its lease on a delivery. */
const TROUBLE_MS = 180_000;

/** Receiver of webhooks. It records all of them, and sometimes answers with an error. */
export class Receiver {
  readonly bodies = new Map<string, string>();
  readonly repeated = new Set<string>();
  posts = 0;
  readonly #network: Network;
  readonly #onPost: (id: string, body: string) => void;
  readonly #onDouble: (id: string, process: Process) => void;
  /** Process that waits for an answer, by delivery. */
  readonly #waiting = new Map<string, Process>();

  constructor(
    network: Network,
    onPost: (id: string, body: string) => void,
    onDouble: (id: string, process: Process) => void,
  ) {
    this.#network = network;
    this.#onPost = onPost;
    this.#onDouble = onDouble;
  }

  /** Returns the `Post` of a process. */
  postFrom(process: Process): Post {
    return (url, { headers, body }) =>
      new Promise((resolve) => {
        const network = this.#network;
        const { random, faults, time } = network;
        const id = headers["webhook-id"]!;
        this.#begin(`${id} ${url}`, process);
        const answer = (result: PostResult, waitMs: number) =>
          network.deliver(process, waitMs, () => {
            this.#waiting.delete(`${id} ${url}`);
            resolve(result);
          });
        const isSilent = random.chance(faults.receiverFails) && random.chance(0.3);
        time.after(network.latency(), () => {
          time.note(`${process.name} posts ${id} to ${url}`);
          this.#receive(id, String(body));
          if (isSilent) answer({ ok: false, reason: "timeout", milliseconds: 15_000 }, 15_000);
          else answer(this.#result(), network.latency());
        });
      });
  }

  /** Detects concurrent sends of one delivery by two processes, neither of them dead or slow. */
  #begin(delivery: string, process: Process): void {
    const other = this.#waiting.get(delivery);
    const isSound = ({ isAlive, troubledAt }: Process) =>
      isAlive && troubledAt < this.#network.time.now - TROUBLE_MS;
    if (other && [other, process].every(isSound)) this.#onDouble(delivery.split(" ")[0]!, process);
    this.#waiting.set(delivery, process);
  }

  #receive(id: string, body: string): void {
    this.posts += 1;
    if (this.bodies.has(id)) this.repeated.add(id);
    this.bodies.set(id, this.bodies.get(id) ?? body);
    this.#onPost(id, body);
  }

  #result(): PostResult {
    const { random, faults } = this.#network;
    const answer = { ok: true, retryAfterSeconds: null, milliseconds: 5 } as const;
    if (random.chance(faults.receiverGone)) return { ...answer, status: 410 };
    if (!random.chance(faults.receiverFails)) return { ...answer, status: random.pick([200, 202, 204]) };
    const retryAfterSeconds = random.pick([null, 1, 120, 3600]);
    return { ...answer, status: random.pick([301, 404, 429, 500, 503]), retryAfterSeconds };
  }
}
