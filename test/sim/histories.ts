import type { StoredObject } from "../../lib/service/storage/index.ts";
import type { StoredObjects } from "./stored-objects.ts";

/** All states of one object since the last power cut, as they followed each other: tags, and null where it was not. */
export interface History {
  readonly states: (string | null)[];
  /** A power cut may take the object back to no state before this one: somebody was told of it. */
  promised: number;
}

/** Watches the objects on a disk, and what a power cut leaves of them. */
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

  /** Whether an object is as it was when it was seen first. */
  isWhole({ etag, body }: StoredObject): boolean {
    return this.#bodies.get(etag) === Buffer.from(body).toString();
  }

  /** Notes the state of an object, and returns the object if that is a new one. */
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

  /** Somebody is told that this was written. */
  promise(key: string, etag: string): void {
    const history = this.of(key);
    const at = history.states.indexOf(etag);
    if (at < 0) this.#violate(`${key} was written and never there`);
    history.promised = Math.max(history.promised, at);
  }

  /** Looks at what a power cut has left. Returns the keys that it has taken back, which nobody was told of. */
  afterPowerCut(): string[] {
    const takenBack: string[] = [];
    for (const [key, { states, promised }] of this.#histories) {
      const object = this.#read(key);
      const state = object?.etag ?? null;
      if (states.lastIndexOf(state) < promised) this.#violate(`${key} lost what somebody was told of`);
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
