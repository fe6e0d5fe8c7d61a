import { type FileSystem, syncFolder, tolerating } from "./file-system.ts";

/**
 * Syncs folders. While a folder is being synced, all further calls for it wait for one more sync: it begins after what
 * they changed, and so it makes all of it durable.
 */
export class FolderSyncs {
  readonly #files: FileSystem;
  readonly #running = new Map<string, Promise<boolean>>();
  readonly #waiting = new Map<string, Promise<boolean>>();

  constructor(files: FileSystem) {
    this.#files = files;
  }

  /** Makes all entries of a folder durable that were there at the call. Resolves to false if there is no such folder. */
  sync(folder: string): Promise<boolean> {
    const running = this.#running.get(folder);
    const waiting = this.#waiting.get(folder);
    if (waiting) return waiting;
    if (!running) return this.#begin(folder);
    const next = () => {
      this.#waiting.delete(folder);
      return this.#begin(folder);
    };
    const shared = running.then(next, next);
    this.#waiting.set(folder, shared);
    return shared;
  }

  #begin(folder: string): Promise<boolean> {
    const synced = syncFolder(this.#files, folder).then(() => true);
    const running = tolerating(["ENOENT"], synced)
      .then((isThere) => isThere ?? false)
      .finally(() => this.#running.delete(folder));
    this.#running.set(folder, running);
    return running;
  }
}
