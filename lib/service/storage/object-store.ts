/** Bytes under a key, and the tag that a conditional write names them by. */
export interface StoredObject {
  readonly body: Uint8Array;
  readonly etag: string;
}

export interface PutOptions {
  /** Write only where nothing is stored yet. Excludes `ifMatch`. */
  readonly ifAbsent?: boolean;
  /** Write only over the object that has this tag. */
  readonly ifMatch?: string;
  /** What the object is served as; `application/octet-stream` when left out. */
  readonly contentType?: string;
}

/**
 * How a write ended that was answered; one without a condition ends well or rejects. `precondition_failed` (S3's 412,
 * and its 404 for a missing object with `ifMatch`) says that the condition did not hold; `conflict` (S3's 409) that
 * another write was under way and this one should be tried again. After a lost answer either may be about one's own
 * write: see `records`.
 */
export type PutResult =
  | { readonly ok: true; readonly etag: string }
  | { readonly ok: false; readonly reason: "precondition_failed" | "conflict" };

export interface ListOptions {
  /** Only keys that come after this one. */
  readonly after?: string;
  /** At most so many keys, 1 to 1000; 1000 when left out. */
  readonly limit?: number;
}

export interface Listing {
  /** Ascending by their bytes in UTF-8. */
  readonly keys: readonly string[];
  /** Whether there are more keys after the last. */
  readonly isTruncated: boolean;
}

export interface SignedUrlOptions {
  /** 1 to 604800. */
  readonly expiresInSeconds: number;
  readonly contentType?: string;
  /** The name a browser saves the file under; without it the content is shown in place. */
  readonly downloadName?: string;
}

/**
 * The one database there is: S3, or a folder that keeps the same promises. Writes are atomic and durable, reads and
 * listings see every write that was answered before them, and conditional writes have one winner, across processes.
 *
 * Keys are 1 to 512 characters of `A-Z a-z 0-9 . _ - = /`, without empty, `.` or `..` segments and without one of more
 * than 200 characters. A prefix is anything that such a key can begin with.
 *
 * Everything here may reject with a {@link StoreError}: the answer is not known, and a write may or may not have been
 * made. A key or an option that is not allowed is a RangeError.
 */
export interface ObjectStore {
  get(key: string): Promise<StoredObject | null>;
  put(key: string, body: Uint8Array, options?: PutOptions): Promise<PutResult>;
  /**
   * Resolves when nothing is stored under the key, also if nothing was. With `ifMatch`, deletes only the object with
   * that tag and tells whether it did.
   */
  delete(key: string, options?: { readonly ifMatch?: string }): Promise<boolean>;
  list(prefix: string, options?: ListOptions): Promise<Listing>;
  /** A URL that reads the object without credentials until it expires. Says nothing about whether the object exists. */
  signedUrl(key: string, options: SignedUrlOptions): Promise<string>;
}

/** The store did not answer, or not in a way that says what happened; the message is one sentence. */
export class StoreError extends Error {
  override readonly name = "StoreError";
  /** `unavailable` may pass; `denied`, `full` and `missing_bucket` want somebody to act. */
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
    // Whatever can begin a key becomes one with a letter behind it.
    if (start !== "" && !isKey(`${start}x`))
      throw new RangeError(`No key can begin with ${JSON.stringify(start.slice(0, 80))}`);
  }
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new RangeError(`limit is an integer of 1 to 1000, not ${limit}`);
}

/** @throws RangeError if the arguments of a `signedUrl` are not allowed */
export function assertSignedUrl(key: string, options: SignedUrlOptions): void {
  assertKey(key);
  const { expiresInSeconds, contentType = "" } = options;
  if (!Number.isInteger(expiresInSeconds) || expiresInSeconds < 1 || expiresInSeconds > 604_800)
    throw new RangeError(`expiresInSeconds is an integer of 1 to 604800, not ${expiresInSeconds}`);
  assertHeaderText("contentType", contentType);
}

function assertHeaderText(name: string, text: string): void {
  if (!/^[\x20-\x7e]{0,200}$/.test(text))
    throw new RangeError(`${name} is up to 200 printable ASCII characters`);
}
