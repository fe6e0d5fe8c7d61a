import type { FileSystem } from "../../lib/service/storage/file-system.ts";
import { type ObjectStore, openFolderStore, type StoredObject } from "../../lib/service/storage/index.ts";
import { type Call, Disk } from "./disk.ts";
import { Histories } from "./histories.ts";
import type { Network, Process } from "./network.ts";
import { StoredObjects } from "./stored-objects.ts";

const FOLDER = "/data/store";

/** Approximate number of calls of one operation of the store. */
const CALLS = 20;
/** Share of calls during which other processes continue. */
const INTERRUPTED = 0.05;

export interface MachineOptions {
  readonly network: Network;
  readonly mutate: (files: FileSystem) => FileSystem;
  /** Called when a process has changed an object. */
  readonly onWrite: (key: string, object: StoredObject, process: Process) => void;
  readonly violate: (sentence: string) => void;
}

/** Machine that all processes run on: a folder store on its disk, and power that may be cut. */
export class Machine {
  readonly objects: StoredObjects;
  readonly #disk: Disk;
  readonly #histories: Histories;
  readonly #options: MachineOptions;
  #acting: Process | null = null;

  constructor(options: MachineOptions) {
    const { time } = options.network;
    this.#options = options;
    this.#disk = new Disk(() => time.now);
    this.objects = new StoredObjects(this.#disk, FOLDER);
    this.#histories = new Histories(this.objects, options.violate);
    this.#disk.onChange = (path) => {
      const key = this.objects.keyOf(path);
      const object = key === undefined ? null : this.#histories.observe(key);
      if (object && this.#acting) options.onWrite(key!, object, this.#acting);
    };
  }

  /** Opens the store before the simulation begins. */
  prepare(): Promise<ObjectStore> {
    return this.#open((operation) => new Promise((resolve) => resolve(operation())));
  }

  /** Opens the store in a process. */
  storeFor(process: Process): ObjectStore {
    const opening = this.#open((operation) => this.#call(process, operation));
    return {
      get: async (...args) => (await opening).get(...args),
      delete: async (...args) => (await opening).delete(...args),
      list: async (...args) => (await opening).list(...args),
      signedUrl: async (...args) => (await opening).signedUrl(...args),
      put: async (key, ...rest) => {
        const result = await (await opening).put(key, ...rest);
        if (result.ok) this.#histories.promise(key, result.etag);
        return result;
      },
    };
  }

  /** Cuts the power; all processes must be dead. Returns the keys whose last write, not acknowledged, was lost. */
  cutPower(): string[] {
    this.#disk.cutPower(this.#options.network.random);
    return this.#histories.afterPowerCut();
  }

  #open(call: Call): Promise<ObjectStore> {
    const { network, mutate } = this.#options;
    const files = mutate(this.#disk.filesFor(call));
    return openFolderStore(FOLDER, { signUrl: () => "", random: network.random.bytes, files });
  }

  #call<T>(process: Process, operation: () => T): Promise<T> {
    const { network } = this.#options;
    const { random, faults, counts } = network;
    return new Promise((resolve, reject) => {
      if (!process.isAlive) return;
      if (random.chance(faults.killed / CALLS)) {
        counts.kills += 1;
        process.die();
        return;
      }
      const run = () => {
        this.#acting = process;
        try {
          resolve(operation());
        } catch (error) {
          reject(error);
        } finally {
          this.#acting = null;
        }
      };
      if (random.chance(INTERRUPTED)) network.deliver(process, random.integer(0, 2), run);
      else run();
    });
  }
}
