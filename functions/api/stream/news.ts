import { isFinished, type JobRecord } from "../../../lib/service/jobs/index.ts";
import type { Told } from "./told.ts";

/** Denoising step that is done, counted from 1. */
export interface TakenStep {
  readonly step: number;
  readonly computed: boolean;
}

/** Event of a stream before it is put into words. `told` is what the reader knows after it. */
export type News =
  | { readonly event: "status"; readonly told: Told }
  | { readonly event: "progress"; readonly told: Told; readonly taken: readonly TakenStep[] }
  | { readonly event: "preview"; readonly told: Told; readonly step: number };

/** Parts of a record that a stream tells of. */
export type Watched = Pick<JobRecord, "status" | "attempt" | "progress" | "receipt">;

/**
 * Returns what a reader does not know yet. Pure: a stream is one of states, so a reader that was away is told of the
 * difference, and every step of an attempt is told of once.
 *
 * @param position place in the queue; null if it does not wait or the place is not known
 * @param earlier what the reader was told last; null if it was told nothing
 */
export function newsOf(record: Watched, position: number | null, earlier: Told | null): News[] {
  // Nobody was told of an attempt to come: such an id was made up.
  const known = earlier !== null && earlier.attempt <= record.attempt ? earlier : null;
  return isFinished(record) ? lastNews(record, known) : runningNews(record, position, known);
}

/** Returns whether a reader knows all that there will ever be to tell. */
export function knowsTheEnd(record: Watched, told: Told | null): boolean {
  return isFinished(record) && told?.status === record.status;
}

function runningNews(record: Watched, position: number | null, known: Told | null): News[] {
  const news: News[] = [];
  const { status, attempt, progress } = record;
  const isSameAttempt = known?.attempt === attempt;
  let told: Told;
  if (known?.status === status && isSameAttempt) {
    told = known;
  } else {
    const [done, preview] = isSameAttempt ? [known.done, known.preview] : [0, null];
    told = { status, attempt, done, stage: progress?.stage ?? null, position, preview };
    news.push({ event: "status", told });
  }
  if (!progress || status === "queued") {
    if (told.position !== position) {
      told = { ...told, position };
      news.push({ event: "progress", told, taken: [] });
    }
    return news;
  }
  // Progress that was told of from memory may be ahead of the record.
  const isBehind = progress.done < told.done;
  if (!isBehind && (progress.done > told.done || progress.stage !== told.stage)) {
    const taken = stepsAfter(told.done, progress.taken);
    told = { ...told, done: progress.done, stage: progress.stage, position };
    news.push({ event: "progress", told, taken });
  }
  if (progress.preview !== null && progress.preview > (told.preview ?? -1)) {
    told = { ...told, preview: progress.preview };
    news.push({ event: "preview", told, step: progress.preview });
  }
  return news;
}

/** Returns the end of a stream: the steps that were not told of, then the last status. */
function lastNews(record: Watched, known: Told | null): News[] {
  if (knowsTheEnd(record, known)) return [];
  const { status, attempt } = record;
  const news: News[] = [];
  const [done, preview] = known?.attempt === attempt ? [known.done, known.preview] : [0, null];
  let told: Told = { status, attempt, done, stage: null, position: null, preview };
  const taken = stepsAfter(done, stepsOf(record));
  // The receipt tells a reader of all steps who comes after the end.
  if (known && taken.length > 0) {
    told = { ...told, done: done + taken.length };
    news.push({ event: "progress", told: { ...told, status: known.status }, taken });
  }
  return [...news, { event: "status", told }];
}

function stepsAfter(done: number, taken: string): TakenStep[] {
  return [...taken.slice(done)].map((kind, index) => ({ step: done + index + 1, computed: kind === "c" }));
}

/** Returns the steps of a finished attempt: those of its receipt, or as many as were told of. */
function stepsOf({ receipt, progress }: Watched): string {
  if (!receipt) return progress?.taken ?? "";
  const { requested, computed_indices: indices } = receipt.steps;
  const computed = new Set(indices);
  const own = Array.from({ length: requested }, (_, index) => (computed.has(index + 1) ? "c" : "r")).join("");
  // The second run of a comparison computes every step.
  return receipt.comparison ? own + "c".repeat(requested) : own;
}
