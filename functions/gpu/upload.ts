import { createHash } from "node:crypto";
import { extname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Artifact, artifactKey, type JobRecord } from "../../lib/service/jobs/index.ts";
import { type ObjectStore, StoreError } from "../../lib/service/storage/index.ts";
import { doubling, retry } from "../../lib/shared/retry.ts";
import { JobFailure } from "./failure.ts";

const CONTENT_TYPES: Readonly<Record<string, string>> = { ".mp4": "video/mp4", ".webp": "image/webp" };

/**
 * A video may have taken an hour, so its upload outlasts a restart of the store, a full disk that somebody frees, and
 * credentials that are being changed: it is tried for about a minute, or as long as the lease if that is shorter.
 */
const RETRY_WAITS = { firstMs: 500, maxMs: 8_000, count: 10 };

/** Bytes that become an artifact. */
export interface Output {
  /** Name with an ending, by which the content type is known. */
  readonly name: string;
  readonly body: Uint8Array;
}

/**
 * Stores bytes as an artifact of the record's attempt.
 *
 * @param signal ends the tries
 * @throws JobFailure if it cannot be stored, or a different object is stored there; AbortError once `signal` is aborted
 */
export async function uploadOutput(
  store: ObjectStore,
  record: JobRecord,
  { name, body }: Output,
  signal: AbortSignal,
): Promise<Artifact> {
  const key = artifactKey(record, record.attempt, name);
  const contentType = CONTENT_TYPES[extname(name)]!;
  const unstored = (cause: unknown) =>
    new JobFailure("upload_failed", "The video could not be stored.", { cause });
  const answer = await retry(() => putOnce(store, key, body, contentType), {
    waits: doubling(RETRY_WAITS),
    sleep: (ms) => sleep(ms, undefined, { signal }),
    isRetryable: (error) => error instanceof StoreError,
    isDone: (put) => put === "stored",
    exhausted: unstored,
  });
  if (answer !== "stored") throw unstored(answer);
  return { key, contentType, bytes: body.length, sha256: createHash("sha256").update(body).digest("hex") };
}

async function putOnce(
  store: ObjectStore,
  key: string,
  body: Uint8Array,
  contentType: string,
): Promise<"stored" | "conflict"> {
  const put = await store.put(key, body, { ifAbsent: true, contentType });
  if (put.ok) return "stored";
  if (put.reason === "conflict") return "conflict";
  // Only this worker has this attempt, so an equal object is its own earlier write, whose answer was lost.
  const stored = await store.get(key);
  if (stored && Buffer.compare(stored.body, body) === 0) return "stored";
  throw new JobFailure("upload_failed", "A different object is stored under the video's key.");
}
