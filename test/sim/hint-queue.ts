import type { Hinted } from "../../lib/service/queue/index.ts";
import type { Network, Process } from "./network.ts";

const LATE_MS_MAX = 300_000;

/** Queue of hints. A received hint is gone, even if its receiver dies. */
export class HintQueue {
  readonly #network: Network;
  readonly #refs: Hinted[] = [];
  #waiting: { readonly process: Process; readonly resolve: (ref: Hinted) => void }[] = [];

  constructor(network: Network) {
    this.#network = network;
  }

  /** True if a live process waits for a hint. */
  get hasIdle(): boolean {
    return this.#waiting.some(({ process }) => process.isAlive);
  }

  /** Drops all hints that were not received. */
  clear(): void {
    this.#refs.length = 0;
  }

  async send(ref: Hinted, delayMs = 0): Promise<void> {
    const { random, faults, time } = this.#network;
    for (let copies = random.chance(faults.hintDoubled) ? 2 : 1; copies > 0; copies -= 1) {
      if (random.chance(faults.hintLost)) continue;
      const waitMs = random.chance(faults.hintLate)
        ? random.integer(0, LATE_MS_MAX)
        : this.#network.latency();
      time.after(delayMs + waitMs, () => this.#arrive(ref));
    }
  }

  receive(process: Process): Promise<Hinted> {
    return new Promise((resolve) => {
      const ref = this.#refs.shift();
      if (ref) this.#network.deliver(process, 0, () => resolve(ref));
      else this.#waiting.push({ process, resolve });
    });
  }

  #arrive({ tenant, id, receiver }: Hinted): void {
    this.#waiting = this.#waiting.filter(({ process }) => process.isAlive);
    const next = this.#waiting.shift();
    if (!next) this.#refs.push({ tenant, id, receiver });
    else this.#network.deliver(next.process, 0, () => next.resolve({ tenant, id, receiver }));
  }
}
