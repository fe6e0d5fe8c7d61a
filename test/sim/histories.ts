import type { StoredObject } from "../../lib/service/storage/index.ts";
import type { StoredObjects } from "./stored-objects.ts";

/** States of one object since the last power cut, in order. */
export interface History {
  /** Tags of the object; null while it does not exist. */
  readonly states: (string | null)[];
  /** Index of the newest acknowledged state: a power cut must not go back behind it. */
  promised: number;
}

/** Records the states of all objects on a disk and checks them after a power cut. */
export class Histories {
  readonly #objects: StoredObjects;
  readonly #violate: (sentence: string) => void;
  readonly #histories = new Map<string, History>();
  readonly #bodies = new Map<string, string>();

  constructor(objects: StoredObjects, violate: (sentence: string) => void) {
    this.#objects = objects;
    this.#violate = violate;
  }

  of(key: string): History {
    const history = this.#histories.get(key) ?? { states: [null], promised: 0 };
    this.#histories.set(key, history);
    return history;
  }

  /** Returns whether an object has the content with which its tag was first seen. */
  isWhole({ etag, body }: StoredObject): boolean {
    return this.#bodies.get(etag) === Buffer.from(body).toString();
  }

  /** Records the state of an object; returns the object if it has changed. */
  observe(key: string): StoredObject | null {
    const object = this.#read(key);
    const state = object?.etag ?? null;
    const { states } = this.of(key);
    if (states.at(-1) === state) return null;
    if (state !== null && states.includes(state)) this.#violate(`${key} is again what it was before`);
    if (object) this.#bodies.set(object.etag, Buffer.from(object.body).toString());
    states.push(state);
    return object ?? null;
  }

  /** Records that a write was acknowledged. */
  promise(key: string, etag: string): void {
    const history = this.of(key);
    const at = history.states.indexOf(etag);
    if (at < 0) this.#violate(`${key} was written and never there`);
    history.promised = Math.max(history.promised, at);
  }

  /** Checks the objects after a power cut. Returns the keys whose last write, not acknowledged, was lost. */
  afterPowerCut(): string[] {
    const takenBack: string[] = [];
    for (const [key, { states, promised }] of this.#histories) {
      const object = this.#read(key);
      const state = object?.etag ?? null;
      if (states.lastIndexOf(state) < promised) this.#violate(`${key} lost an acknowledged write`);
      if (object && !this.isWhole(object)) this.#violate(`${key} is half-written after a power cut`);
      if (state !== states.at(-1)) takenBack.push(key);
      this.#histories.set(key, { states: [state], promised: 0 });
    }
    return takenBack;
  }

  #read(key: string): StoredObject | undefined {
    try {
      return this.#objects.get(key);
    } catch (error) {
      this.#violate(`${key} cannot be read: ${error}`);
      return undefined;
    }
  }
}
