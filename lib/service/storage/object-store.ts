import type { Readable } from "node:stream";

/** Object under a key: its bytes, and the ETag that identifies this version in conditional writes. */
export interface StoredObject {
  readonly body: Uint8Array;
  readonly etag: string;
}

export interface PutOptions {
  /** Writes only if nothing is stored under the key. Excludes `ifMatch`. */
  readonly ifAbsent?: boolean;
  /** Writes only if the stored object has this ETag. */
  readonly ifMatch?: string;
  /** Content type with which the object is served, `application/octet-stream` by default. */
  readonly contentType?: string;
}

/**
 * Result of a write that was answered. `precondition_failed` (S3's 412, and its 404 for a missing object with
 * `ifMatch`) means that the condition did not hold. `conflict` (S3's 409) means that another write was under way and
 * that this one should be tried again. A write without a condition succeeds or rejects.
 *
 * When a client retries after a lost answer, the write that is in the way may be its own: see `records`.
 */
export type PutResult =
  | { readonly ok: true; readonly etag: string }
  | { readonly ok: false; readonly reason: "precondition_failed" | "conflict" };

export interface ListOptions {
  /** Lists only keys that sort after this one. */
  readonly after?: string;
  /** Limit of the number of keys, 1 to 1000; 1000 by default. */
  readonly limit?: number;
}

export interface Listing {
  /** Keys, ascending by their bytes in UTF-8. */
  readonly keys: readonly string[];
  /** True if there are more keys after the last. */
  readonly isTruncated: boolean;
}

export interface SignedUrlOptions {
  /** Seconds until the URL expires, 1 to 604800. */
  readonly expiresInSeconds: number;
  readonly contentType?: string;
  /** Name under which a browser saves the file. Without it, the browser shows the content. */
  readonly downloadName?: string;
}

/**
 * Object store, the service's only database: S3, or a folder that keeps the same promises. Writes are atomic and
 * durable. Reads and listings see every write that was acknowledged before them. Conditional writes have one winner,
 * across processes.
 *
 * Keys have 1 to 512 characters of `A-Z a-z 0-9 . _ - = /`, without empty, `.` or `..` segments, and with at most 200
 * characters in a segment. A prefix is any text that such a key can begin with.
 *
 * All methods may reject with a {@link StoreError}; then a write may or may not have been made. They reject with a
 * RangeError for a key or an option that is not allowed.
 */
export interface ObjectStore {
  get(key: string): Promise<StoredObject | null>;
  put(key: string, body: Uint8Array, options?: PutOptions): Promise<PutResult>;
  /**
   * Deletes the object under a key, if there is one, and resolves to true. With `ifMatch`, deletes it only if it has
   * this ETag, and resolves to whether it did.
   */
  delete(key: string, options?: { readonly ifMatch?: string }): Promise<boolean>;
  list(prefix: string, options?: ListOptions): Promise<Listing>;
  /** Signs a URL that reads the object without credentials until it expires. The object need not exist. */
  signedUrl(key: string, options: SignedUrlOptions): Promise<string>;
}

/** Open version of an object. In a folder it stays readable if the object is changed or deleted. */
export interface OpenObject {
  readonly etag: string;
  readonly contentType: string;
  readonly sizeBytes: number;
  /** Streams the bytes from `start` to `end`, both included, or all. The stream closes the object at its end. */
  stream(range?: { readonly start: number; readonly end: number }): Readable;
  /** Closes an object that is not streamed. */
  close(): Promise<void>;
}

/** Object store whose objects this process can serve itself. */
export interface ServedStore extends ObjectStore {
  openObject(key: string): Promise<OpenObject | null>;
}

/** Error of an object store that failed to answer or refused a request. The message is one sentence. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  /** Kind of error: `unavailable` may pass by itself; `denied`, `full` and `missing_bucket` need somebody to act. */
  readonly code: "unavailable" | "denied" | "full" | "missing_bucket";

  constructor(code: StoreError["code"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const KEY = /^[A-Za-z0-9._=-]{1,200}(\/[A-Za-z0-9._=-]{1,200})*$/;

function isKey(text: string): boolean {
  return text.length <= 512 && KEY.test(text) && !/(^|\/)\.{1,2}(\/|$)/.test(text);
}

/** @throws RangeError if `key` cannot be the key of an object */
export function assertKey(key: string): void {
  if (!isKey(key)) throw new RangeError(`${JSON.stringify(key.slice(0, 80))} cannot be the key of an object`);
}

/** @throws RangeError if the arguments of a `put` are not allowed */
export function assertPut(key: string, { ifAbsent, ifMatch, contentType = "" }: PutOptions): void {
  assertKey(key);
  if (ifAbsent && ifMatch !== undefined) throw new RangeError("ifAbsent and ifMatch exclude each other");
  assertHeaderText("contentType", contentType);
}

/** @throws RangeError if the arguments of a `list` are not allowed */
export function assertList(prefix: string, { after = "", limit = 1 }: ListOptions): void {
  for (const start of [prefix, after]) {
    // A text can begin a key if it is a key once a letter is appended.
    if (start !== "" && !isKey(`${start}x`))
      throw new RangeError(`No key can begin with ${JSON.stringify(start.slice(0, 80))}`);
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new RangeError(`limit is an integer of 1 to 1000, not ${limit}`);
}

/** Longest time until a signed URL expires: seven days, as on S3. */
export const SIGNED_SECONDS_MAX = 604_800;

/** @throws RangeError if the arguments of a `signedUrl` are not allowed */
export function assertSignedUrl(key: string, options: SignedUrlOptions): void {
  assertKey(key);
  const { expiresInSeconds, contentType = "" } = options;
  if (!Number.isInteger(expiresInSeconds) || expiresInSeconds < 1 || expiresInSeconds > SIGNED_SECONDS_MAX)
    throw new RangeError(
      `expiresInSeconds is an integer of 1 to ${SIGNED_SECONDS_MAX}, not ${expiresInSeconds}`,
    );
  assertHeaderText("contentType", contentType);
}

function assertHeaderText(name: string, text: string): void {
  if (!/^[\x20-\x7e]{0,200}$/.test(text))
    throw new RangeError(`${name} is up to 200 printable ASCII characters`);
}
