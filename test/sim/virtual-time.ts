import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import type { SeededRandom } from "./seeded-random.ts";

interface Entry {
  readonly at: number;
  /** Random tie-breaker between entries of the same millisecond. */
  readonly tie: number;
  readonly run: () => void;
}

/** Virtual time, which advances only when nothing more can happen at the current time. */
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

  /** Runs entries until there are none left or `isOver` returns true. */
  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const entry = this.#takeFirst();
      if (!entry) return;
      this.now = entry.at;
      entry.run();
      // All promises settled by the entry run their continuations first.
      await setImmediate();
    }
  }

  note(text: string): void {
    this.#trace.update(`${this.now} ${text}\n`);
  }

  /** Hash of all notes; two runs with equal hashes were the same. */
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
