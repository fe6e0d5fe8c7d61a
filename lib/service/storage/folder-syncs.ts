import { type FileSystem, syncFolder, tolerating } from "./file-system.ts";

/**
 * Syncs folders that many writers share, in rounds. While a round runs, all calls wait for the next one. It begins
 * after what they changed, so one sync of a folder makes the changes of all of them durable.
 */
export class FolderSyncs {
  readonly #files: FileSystem;
  #next: { readonly folders: Map<string, Promise<boolean>>; readonly begins: Promise<void> } | null = null;
  /** Settles at the end of the round that runs. */
  #ends: Promise<unknown> = Promise.resolve();

  constructor(files: FileSystem) {
    this.#files = files;
  }

  /** Makes all entries of a folder durable that are there now. Resolves to false if there is no such folder. */
  sync(folder: string): Promise<boolean> {
    this.#next ??= this.#announce();
    const { folders, begins } = this.#next;
    const shared = folders.get(folder) ?? begins.then(() => isSynced(this.#files, folder));
    folders.set(folder, shared);
    return shared;
  }

  #announce() {
    const folders = new Map<string, Promise<boolean>>();
    const begins = this.#ends.then(() => {
      this.#next = null;
      this.#ends = Promise.allSettled(folders.values());
    });
    return { folders, begins };
  }
}

/** Makes all entries of a folder durable. Resolves to false if there is no such folder. */
export async function isSynced(files: FileSystem, folder: string): Promise<boolean> {
  const synced = syncFolder(files, folder).then(() => true);
  return (await tolerating(["ENOENT"], synced)) ?? false;
}
