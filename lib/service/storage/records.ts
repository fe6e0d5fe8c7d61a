import * as z from "zod";
import type { Random, Sleep } from "../../shared/ports.ts";
import { doubling, retry } from "../../shared/retry.ts";
import { type ObjectStore, type PutOptions, StoreError } from "./object-store.ts";

/** Record as it was read or written, and the ETag of this version. */
export interface Versioned<T> {
  readonly value: T;
  readonly etag: string;
}

export type Created<T> =
  | ({ readonly ok: true } & Versioned<T>)
  | { readonly ok: false; readonly current: Versioned<T> };

/** Result of the function that changes a record. */
export interface Change<T, Told> {
  /** New value; null to change nothing. */
  readonly next: T | null;
  /** Passed on to the caller of `update`. */
  readonly tell?: Told | undefined;
}

export type Updated<T, Told> =
  | ({
      readonly ok: true;
      readonly isChanged: boolean;
      /** Value of `tell` of the change that was written, or of the one that changed nothing. */
      readonly told: Told | undefined;
    } & Versioned<T>)
  /** Nothing is stored under the key. */
  | { readonly ok: false };

/**
 * Typed JSON records, changed only by compare-and-swap. Every write leaves its id in the record. After a lost answer or
 * a refusal, the record is read back to learn whether the write was made after all, so a result is always true.
 *
 * Methods reject with a StoreError after 8 tries; a write may have been made nevertheless. They reject with a
 * {@link RecordError} if something other than such a record is stored under the key, and with a RangeError for a value
 * that the schema refuses, which is not written.
 */
export interface Records<T> {
  read(key: string): Promise<Versioned<T> | null>;
  /**
   * Creates a record, or finds the one that is there.
   *
   * @param isLate returns whether the record must not be written any more, by default never; then no further try begins
   */
  create(key: string, value: T, isLate?: () => boolean): Promise<Created<T>>;
  /**
   * Reads a record, changes it, and writes it back; repeated while other writers win. `change` must be pure, and may be
   * called several times. Its `tell` is passed on to the caller of `update`.
   */
  update<Told = never>(key: string, change: (current: T) => Change<T, Told>): Promise<Updated<T, Told>>;
}

export interface RecordsOptions {
  readonly random: Random;
  readonly sleep: Sleep;
}

/** Error of an object that is not a record of the expected kind. */
export class RecordError extends Error {
  override readonly name = "RecordError";
  readonly key: string;

  constructor(key: string) {
    super(`The record ${key} is damaged or of another version of this program.`);
    this.key = key;
  }
}

/** Resolves a rejection to "damaged" if its cause is a damaged record; throws any other error. Use it in `catch`. */
export function unlessDamaged(error: unknown): "damaged" {
  if (error instanceof RecordError) return "damaged";
  throw error;
}

/** Schedule of the 7 waits between 8 tries. */
const BACKOFF = { firstMs: 20, maxMs: 2000, count: 7 };

/** Number of write ids that a record keeps. A write is recognised until so many other writes have followed it. */
const WRITES_KEPT = 8;

const storedSchema = z.object({
  /** Ids of the latest writes, newest first. */
  writes: z.array(z.string()).min(1),
  value: z.unknown(),
});

interface Stored<T> extends Versioned<T> {
  readonly writes: readonly string[];
}

/** Opens the records of one kind in a store. */
export function records<T>(
  store: ObjectStore,
  schema: z.ZodType<T>,
  { random, sleep }: RecordsOptions,
): Records<T> {
  async function load(key: string): Promise<Stored<T> | null> {
    const object = await store.get(key);
    if (object === null) return null;
    const stored = storedSchema.safeParse(parsedJson(object.body));
    const value = schema.safeParse(stored.data?.value);
    if (!stored.success || !value.success) throw new RecordError(key);
    return { value: value.data, etag: object.etag, writes: stored.data.writes };
  }

  /** Tracks the writes of one call. Any of them may turn out to have been made, even after a later one was tried. */
  function ownWrites<Told>(key: string) {
    const tried = new Map<string, Told | undefined>();
    return {
      /** Returns the newest of these writes that a record holds, or null. */
      madeIn({ writes }: Stored<T>): { readonly told: Told | undefined } | null {
        const id = writes.find((each) => tried.has(each));
        return id === undefined ? null : { told: tried.get(id) };
      },
      /** Writes a value; resolves to its ETag, or to null if the store refused the write. */
      async write(
        { value, tell }: { readonly value: T; readonly tell?: Told | undefined },
        earlier: readonly string[],
        condition: PutOptions,
      ): Promise<string | null> {
        // A record that cannot be read again would block its key forever.
        if (!schema.safeParse(value).success) throw new RangeError(`No such record can be stored as ${key}`);
        const id = Buffer.from(random(12)).toString("base64url");
        tried.set(id, tell);
        const writes = [id, ...earlier].slice(0, WRITES_KEPT);
        const body = new TextEncoder().encode(JSON.stringify({ writes, value }));
        const result = await store.put(key, body, { ...condition, contentType: "application/json" });
        return result.ok ? result.etag : null;
      },
    };
  }

  /** Ends of the last updates, by key: those of one process take turns instead of refusing each other. */
  const lastUpdates = new Map<string, Promise<unknown>>();

  function inTurn<R>(key: string, update: () => Promise<R>): Promise<R> {
    const turn = (lastUpdates.get(key) ?? Promise.resolve()).then(update);
    const end = turn.then(
      () => undefined,
      () => undefined,
    );
    lastUpdates.set(key, end);
    void end.then(() => {
      if (lastUpdates.get(key) === end) lastUpdates.delete(key);
    });
    return turn;
  }

  /** Tries again while other writers win or the store is unavailable. */
  async function untilDone<R>(key: string, attempt: () => Promise<R | null>): Promise<R> {
    const unchanged = (problem: string, cause?: unknown) =>
      new StoreError("unavailable", `The record ${key} cannot be changed now: ${problem}; try again.`, {
        cause,
      });
    const result = await retry(attempt, {
      waits: doubling({ ...BACKOFF, random }),
      sleep,
      isRetryable: (error) => error instanceof StoreError && error.code === "unavailable",
      isDone: (made) => made !== null,
      exhausted: (error) => unchanged("the store does not answer", error),
    });
    if (result === null) throw unchanged("too many others change it");
    return result;
  }

  return {
    async read(key) {
      const current = await load(key);
      return current && versioned(current);
    },

    create(key, value, isLate = () => false) {
      const own = ownWrites(key);
      return untilDone<Created<T>>(key, async () => {
        if (isLate()) throw new StoreError("unavailable", `The record ${key} comes too late; try again.`);
        const etag = await own.write({ value }, [], { ifAbsent: true });
        if (etag !== null) return { ok: true, value, etag };
        // The record in the way may be one of our own writes.
        const current = await load(key);
        if (current === null) return null;
        return own.madeIn(current)
          ? { ok: true, ...versioned(current) }
          : { ok: false, current: versioned(current) };
      });
    },

    update<Told>(key: string, change: (current: T) => Change<T, Told>) {
      const own = ownWrites<Told>(key);
      const attempt = async (): Promise<Updated<T, Told> | null> => {
        const current = await load(key);
        if (current === null) return { ok: false };
        const made = own.madeIn(current);
        if (made) return { ok: true, isChanged: true, ...made, ...versioned(current) };
        const { next: value, tell } = change(current.value);
        if (value === null) return { ok: true, isChanged: false, told: tell, ...versioned(current) };
        const etag = await own.write({ value, tell }, current.writes, { ifMatch: current.etag });
        return etag === null ? null : { ok: true, isChanged: true, told: tell, value, etag };
      };
      return inTurn(key, () => untilDone(key, attempt));
    },
  };
}

function versioned<T>({ value, etag }: Versioned<T>): Versioned<T> {
  return { value, etag };
}

/** Parses JSON; undefined, which is no JSON value, if the bytes are not JSON. */
function parsedJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}
