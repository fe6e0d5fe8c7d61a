import { setTimeout as sleep } from "node:timers/promises";
import type { Preview } from "../../lib/generation/preview/index.ts";
import { encodePreview } from "../../lib/generation/video/index.ts";
import { type JobRecord, previewKey } from "../../lib/service/jobs/index.ts";
import type { ObjectStore } from "../../lib/service/storage/index.ts";
import { type Log, reasonOf } from "./log.ts";
import { outageTeller } from "./outage.ts";

export interface PreviewsOptions {
  readonly store: Pick<ObjectStore, "get" | "put" | "delete">;
  /** Least time between two writes. */
  readonly intervalMs: number;
  /** Aborts when the attempt is not this worker's any more. */
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Called with each encoded preview. */
  readonly onMade?: ((step: number, webp: Uint8Array) => void) | undefined;
  /** Called with the steps of a preview that is stored. */
  readonly onStored: (step: number) => void;
}

/** Previews of one attempt, of which the newest is stored beside its outputs. */
export interface AttemptPreviews {
  /** Encodes and stores a preview, unless a newer one comes first. Nothing that fails here fails the video. */
  show(preview: Preview): void;
  /** Shows no more, and deletes what was stored. Resolves after a time even if the store does not answer. */
  end(): Promise<void>;
}

/** Largest preview that is stored; those of our models have a few kilobytes. */
const BYTES_MAX = 256 * 1024;
/** Time for which the end of a job waits for the deletion; a preview that is left over goes with the video. */
const END_MS_MAX = 2_000;

export function keepPreviews(record: JobRecord, options: PreviewsOptions): AttemptPreviews {
  const { store, intervalMs, signal, log, onMade, onStored } = options;
  const key = previewKey(record, record.attempt);
  const ending = new AbortController();
  const outage = outageTeller({
    log,
    failing: "a preview was not stored",
    ended: "previews are stored again",
    fields: { id: record.id },
  });
  let newest: Preview | null = null;
  let working: Promise<void> | null = null;
  let etag: string | null = null;
  let hasWritten = false;
  let writtenAt = Number.NEGATIVE_INFINITY;

  const isOver = () => ending.signal.aborted || signal.aborted;

  async function work(): Promise<void> {
    while (newest && !isOver()) {
      const preview = newest;
      newest = null;
      try {
        await showOne(preview);
      } catch (error) {
        outage.failed(error);
      }
    }
  }

  async function showOne(preview: Preview): Promise<void> {
    const webp = await encodePreview(preview);
    if (isOver() || webp.length > BYTES_MAX) return;
    onMade?.(preview.step, webp);
    const waitMs = Math.max(0, writtenAt + intervalMs - performance.now());
    await sleep(waitMs, null, { signal: ending.signal }).catch(() => null);
    // The newest is worth a write.
    if (isOver() || newest) return;
    writtenAt = performance.now();
    const isWritten = await write(webp);
    outage.ended();
    if (isWritten) onStored(preview.step);
  }

  /** Writes with a condition, as the policy of a deployment's bucket demands. */
  async function write(webp: Uint8Array): Promise<boolean> {
    hasWritten = true;
    const condition = etag === null ? { ifAbsent: true } : { ifMatch: etag };
    const put = await store.put(key, webp, { ...condition, contentType: "image/webp" });
    // Nobody else writes here, so what is in the way is an earlier write whose answer was lost.
    etag = put.ok ? put.etag : ((await store.get(key))?.etag ?? null);
    return put.ok;
  }

  return {
    show(preview) {
      if (isOver()) return;
      newest = preview;
      working ??= work().finally(() => {
        working = null;
      });
    },
    async end() {
      ending.abort();
      const deleting = (async () => {
        await working;
        if (hasWritten) await store.delete(key);
      })().catch((error: unknown) =>
        log.warn({ id: record.id, reason: reasonOf(error) }, "a preview was not deleted"),
      );
      await Promise.race([deleting, sleep(END_MS_MAX, null, { ref: false })]);
    },
  };
}
