import { setImmediate } from "node:timers/promises";
import type { FileSystem } from "../../lib/service/storage/file-system.ts";
import {
  openFolderStore,
  type PutOptions,
  type ServedStore,
  StoreError,
} from "../../lib/service/storage/index.ts";
import { Disk } from "./disk.ts";
import { Histories } from "./histories.ts";
import { SeededRandom } from "./seeded-random.ts";
import { StoredObjects } from "./stored-objects.ts";

const FOLDER = "/data/store";
// The last two are spread over folders, which they share in part.
const SPREAD = ["video_7yabcdef", "video_7yabcdeg"].map((time) => `a/${time}${"0".repeat(18)}.json`);
const KEYS = ["a", "a/b", "a/b/c", "d/e", ...SPREAD];
const PROCESSES = 3;
const ROUNDS = 4;
const CALLS_MAX = 400;
const KILLED = 0.004;

export interface PowerCutsOptions {
  readonly seed: number;
  /** Deliberate fault in the file system that processes use. */
  readonly mutate?: (files: FileSystem) => FileSystem;
}

/** Runs random operations of several processes with kills and power cuts; resolves to the violations found. */
export async function runPowerCuts(options: PowerCutsOptions): Promise<readonly string[]> {
  return new Machine(options).run();
}

interface Life {
  isAlive: boolean;
}

class Machine {
  readonly #random: SeededRandom;
  readonly #mutate: (files: FileSystem) => FileSystem;
  #now = 0;
  readonly #disk = new Disk(() => this.#now);
  readonly #objects = new StoredObjects(this.#disk, FOLDER);
  readonly #histories = new Histories(this.#objects, (sentence) => this.#violate(sentence));
  readonly #violations: string[] = [];
  #waiting: { readonly life: Life; readonly run: () => void }[] = [];
  #writes = 0;

  constructor({ seed, mutate = (files) => files }: PowerCutsOptions) {
    this.#random = new SeededRandom(seed);
    this.#mutate = mutate;
    this.#disk.onChange = (path) => {
      const key = this.#objects.keyOf(path);
      if (key !== undefined) this.#histories.observe(key);
    };
  }

  async run(): Promise<readonly string[]> {
    for (let round = 0; round < ROUNDS && this.#violations.length === 0; round += 1) {
      const lives = Array.from({ length: PROCESSES }, () => this.#start());
      await this.#pass(this.#random.integer(1, CALLS_MAX), () => lives.push(this.#start()));
      for (const life of lives) life.isAlive = false;
      this.#waiting = [];
      this.#disk.cutPower(this.#random);
      this.#histories.afterPowerCut();
    }
    if (this.#violations.length === 0) await this.#checkUse();
    return this.#violations;
  }

  #violate(sentence: string): void {
    this.#violations.push(sentence);
  }

  /** Runs so many calls of random processes. Now and then a process dies and another one starts. */
  async #pass(calls: number, respawn: () => void): Promise<void> {
    for (let count = 0; count < calls && this.#violations.length === 0; count += 1) {
      this.#now += 1;
      this.#waiting = this.#waiting.filter(({ life }) => life.isAlive);
      const [next] = this.#waiting.splice(this.#random.integer(0, this.#waiting.length - 1), 1);
      if (!next) return;
      if (this.#random.chance(KILLED)) {
        next.life.isAlive = false;
        respawn();
      } else next.run();
      // Promises that this call settled run on to their next calls first.
      await setImmediate();
    }
  }

  #filesFor(life: Life): FileSystem {
    const files = this.#disk.filesFor(
      (operation) =>
        new Promise((resolve, reject) => {
          if (!life.isAlive) return;
          const run = () => {
            try {
              resolve(operation());
            } catch (error) {
              reject(error);
            }
          };
          this.#waiting.push({ life, run });
        }),
    );
    return this.#mutate(files);
  }

  #open(life: Life): Promise<ServedStore> {
    return openFolderStore(FOLDER, {
      signUrl: () => "",
      random: this.#random.bytes,
      files: this.#filesFor(life),
    });
  }

  /** Starts a process that performs random operations until it dies. */
  #start(): Life {
    const life = { isAlive: true };
    const live = async () => {
      const store = await this.#open(life);
      for (;;) await this.#act(store, this.#random.pick(KEYS));
    };
    live().catch((error: Error) => this.#violate(`a process broke: ${error.stack}`));
    return life;
  }

  async #act(store: ServedStore, key: string): Promise<void> {
    const random = this.#random;
    const history = this.#histories.of(key);
    const from = history.states.length - 1;
    const during = () => history.states.slice(from);
    const known = random.chance(0.8) ? history.states.at(-1)! : random.pick(history.states);
    try {
      switch (
        random.pick(["put", "put", "create", "replace", "replace", "delete", "delete if", "get", "list"])
      ) {
        case "put":
          return await this.#put(store, key, {}, () => true);
        case "create":
          return await this.#put(store, key, { ifAbsent: true }, (state) => state === null);
        case "replace":
          if (known !== null) await this.#put(store, key, { ifMatch: known }, (state) => state === known);
          return;
        case "delete":
          await store.delete(key);
          return this.#promiseAbsence(key, history.states.indexOf(null, from));
        case "delete if":
          if (known === null) return;
          if (await store.delete(key, { ifMatch: known }))
            return this.#promiseAbsence(key, history.states.indexOf(known) + 1);
          if (during().every((state) => state === known)) this.#violate(`${key} was not deleted`);
          return;
        case "get":
          return this.#checkRead(key, await store.get(key), during());
        case "list":
          return await this.#list(store);
      }
    } catch (error) {
      if (!(error instanceof StoreError && error.code === "unavailable")) throw error;
      if (!/changed so often meanwhile/.test(error.message)) this.#violate(`${key}: ${error.message}`);
    }
  }

  async #put(
    store: ServedStore,
    key: string,
    options: PutOptions,
    holds: (state: string | null) => boolean,
  ): Promise<void> {
    const history = this.#histories.of(key);
    const from = history.states.length - 1;
    this.#writes += 1;
    const body = `${this.#writes} `.repeat(this.#random.pick([0, 1, 2000]));
    const result = await store.put(key, Buffer.from(body), options);
    if (!result.ok) {
      if (history.states.slice(from).every(holds))
        this.#violate(`${key} was not written, and its condition held`);
      return;
    }
    const at = history.states.indexOf(result.etag);
    if (at > 0 && !holds(history.states[at - 1]!)) this.#violate(`${key} was written against its condition`);
    if (!this.#histories.isWhole({ etag: result.etag, body: Buffer.from(body) }))
      this.#violate(`${key} is not what was written`);
    this.#histories.promise(key, result.etag);
  }

  /** Records that a deletion was acknowledged. */
  #promiseAbsence(key: string, at: number): void {
    const history = this.#histories.of(key);
    if (history.states[at] !== null) this.#violate(`${key} was deleted and was there all the time`);
    history.promised = Math.max(history.promised, at);
  }

  #checkRead(key: string, object: Awaited<ReturnType<ServedStore["get"]>>, states: (string | null)[]): void {
    if (!states.includes(object?.etag ?? null)) this.#violate(`${key} was read as it was not`);
    if (object && !this.#histories.isWhole(object)) this.#violate(`${key} was read half-written`);
  }

  /** Checks that a listing has every object that exists all the time. */
  async #list(store: ServedStore): Promise<void> {
    const before = new Map(KEYS.map((key) => [key, this.#histories.of(key).states.length - 1]));
    const { keys } = await store.list("");
    for (const [key, from] of before) {
      const isThere = this.#histories
        .of(key)
        .states.slice(from)
        .every((state) => state !== null);
      if (isThere && !keys.includes(key)) this.#violate(`${key} is not listed`);
    }
    if (keys.join() !== keys.toSorted().join()) this.#violate("keys are listed out of order");
  }

  /** Checks that every key can still be read, listed, deleted and written. */
  async #checkUse(): Promise<void> {
    const life = { isAlive: true };
    const use = async () => {
      const store = await this.#open(life);
      for (const key of KEYS) {
        const { states } = this.#histories.of(key);
        this.#checkRead(key, await store.get(key), states.slice(-1));
        await this.#list(store);
        await store.delete(key);
        if (await store.get(key)) this.#violate(`${key} cannot be deleted`);
      }
      const { keys } = await store.list("");
      if (keys.length > 0) this.#violate(`${keys} are listed after they were deleted`);
      for (const key of KEYS) await this.#put(store, key, { ifAbsent: true }, (state) => state === null);
      life.isAlive = false;
    };
    use().catch((error: Error) => this.#violate(`nothing works any more: ${error.stack}`));
    while (this.#waiting.length > 0 && this.#violations.length === 0) {
      for (const { run } of this.#waiting.splice(0)) run();
      await setImmediate();
    }
    if (life.isAlive && this.#violations.length === 0) this.#violate("an operation does not end");
  }
}
