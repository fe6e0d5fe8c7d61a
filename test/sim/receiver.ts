import type { PostResult } from "../../lib/net/index.ts";
import type { Post } from "../../lib/webhooks/index.ts";
import type { Network, Process } from "./network.ts";

/** Whoever gets the webhooks: writes everything down, and does not always answer as it should. */
export class Receiver {
  readonly bodies = new Map<string, string>();
  readonly repeated = new Set<string>();
  posts = 0;
  readonly #network: Network;
  readonly #onPost: (id: string, body: string) => void;

  constructor(network: Network, onPost: (id: string, body: string) => void) {
    this.#network = network;
    this.#onPost = onPost;
  }

  /** How a process reaches it. */
  postFrom(process: Process): Post {
    return (url, { headers, body }) =>
      new Promise((resolve) => {
        const network = this.#network;
        const { random, faults, time } = network;
        const answer = (result: PostResult, waitMs: number) =>
          network.deliver(process, waitMs, () => resolve(result));
        const isSilent = random.chance(faults.receiverFails) && random.chance(0.3);
        time.after(network.latency(), () => {
          time.note(`${process.name} posts ${headers["webhook-id"]} to ${url}`);
          this.#receive(headers["webhook-id"]!, String(body));
          if (isSilent) answer({ ok: false, reason: "timeout", milliseconds: 15_000 }, 15_000);
          else answer(this.#result(), network.latency());
        });
      });
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
