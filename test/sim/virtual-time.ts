import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { SeededRandom } from "./seeded-random.ts";

interface Entry {
  readonly at: number;
  /** Of what is due in the same millisecond, chance decides what comes first. */
  readonly tie: number;
  readonly run: () => void;
}

/** Time that passes only when everything that can happen has happened. */
export class VirtualTime {
  now: number;
  readonly #random: SeededRandom;
  readonly #heap: Entry[] = [];
  readonly #trace = createHash("sha256");

  constructor(start: number, random: SeededRandom) {
    this.now = start;
    this.#random = random;
  }

  after(durationMs: number, run: () => void): void {
    const entry = { at: this.now + Math.max(0, Math.round(durationMs)), tie: this.#random.next(), run };
    const heap = this.#heap;
    let at = heap.length;
    for (; at > 0; at = (at - 1) >> 1) {
      const parent = heap[(at - 1) >> 1]!;
      if (!isBefore(entry, parent)) break;
      heap[at] = parent;
    }
    heap[at] = entry;
  }

  /** Lets things happen until there is nothing more to happen or `isOver` says so. */
  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const entry = this.#takeFirst();
      if (!entry) return;
      this.now = entry.at;
      entry.run();
      // All promises that this has settled are followed to their ends first.
      await setImmediate();
    }
  }

  note(text: string): void {
    this.#trace.update(`${this.now} ${text}\n`);
  }

  /** Of everything noted: two runs with one hash were the same run. */
  traceHash(): string {
    return this.#trace.copy().digest("hex");
  }

  #takeFirst(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1;
      if (child >= heap.length || !isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.tie < b.tie);
}
