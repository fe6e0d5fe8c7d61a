import { dirname, join, resolve } from "node:path";
import type { Random } from "../../shared/ports.ts";
import {
  type FileSystem,
  FOLDERS,
  hasCode,
  removeFile,
  syncFolder,
  systemFiles,
  tolerating,
} from "./file-system.ts";
import { explanation } from "./folder-error.ts";
import { type Entry, entriesOf, placeOf, spreadObjects } from "./layout.ts";
import {
  assertKey,
  assertList,
  assertPut,
  assertSignedUrl,
  type Listing,
  type ListOptions,
  type OpenObject,
  type PutOptions,
  type PutResult,
  type ServedStore,
  type SignedUrlOptions,
  type StoredObject,
  StoreError,
} from "./object-store.ts";
import {
  changesTooFast,
  EARLIER_MAX,
  type Linked,
  newName,
  TRIES_MAX,
  type Version,
  Versions,
} from "./versions.ts";

export interface FolderStoreOptions {
  readonly signUrl: (key: string, options: SignedUrlOptions) => string;
  /** Source of file names and ETags, which must be unique. */
  readonly random: Random;
  /** File system that holds the folder; this machine's by default. */
  readonly files?: FileSystem;
}

/**
 * Opens an object store in a folder of a local disk. Any number of processes may use the folder, and each may be killed
 * at any time. Temporary files of killed processes are removed when the store is opened an hour or more later.
 *
 * @throws StoreError if the folder cannot be created or written, or its disk has no hard links
 */
export async function openFolderStore(folder: string, options: FolderStoreOptions): Promise<ServedStore> {
  const objects = new ObjectFolder(resolve(folder), options);
  const explained = <A extends unknown[], R>(operation: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      try {
        return await operation.apply(objects, args);
      } catch (error) {
        if (hasCode(error, ["ENOENT"])) await objects.assertThere();
        throw explanation(objects.root, error);
      }
    };
  };
  await objects.prepare().catch((error: unknown) => {
    throw explanation(objects.root, error);
  });
  return {
    get: explained(objects.get),
    put: explained(objects.put),
    delete: explained(objects.delete),
    list: explained(objects.list),
    openObject: explained(objects.open),
    async signedUrl(key, urlOptions) {
      assertSignedUrl(key, urlOptions);
      return options.signUrl(key, urlOptions);
    },
  };
}

/** Error codes of a parent folder that this process may use but not open or sync. */
const UNSYNCABLE = ["EACCES", "EPERM", "EINVAL"];
const TEMPORARY_LIFE_MS = 3_600_000;
const PRECONDITION_FAILED = { ok: false, reason: "precondition_failed" } as const;

class ObjectFolder {
  readonly root: string;
  readonly #objects: string;
  readonly #temporary: string;
  /** Empty file that a deletion hard-links. A link takes no space, so objects can be deleted on a full disk. */
  readonly #deleted: string;

  readonly #files: FileSystem;
  readonly #versions: Versions;
  readonly #random: Random;

  constructor(root: string, { random, files = systemFiles }: FolderStoreOptions) {
    this.root = root;
    this.#files = files;
    this.#random = random;
    this.#objects = join(root, "objects");
    this.#temporary = join(root, "tmp");
    this.#deleted = join(root, "deleted");
    this.#versions = new Versions({ files, random, root: this.#objects });
  }

  async prepare(): Promise<void> {
    const files = this.#files;
    for (const folder of [this.#objects, this.#temporary]) await files.mkdir(folder, FOLDERS);
    const spread = join(this.root, "spread");
    if ((await tolerating(["ENOENT"], files.stat(spread))) === undefined) {
      await spreadObjects(files, this.#objects);
      await (await files.open(spread, "a", 0o600)).close();
    }
    await (await files.open(this.#deleted, "a", 0o600)).close();
    await syncFolder(files, this.root);
    // This or another process may just have made the folder or one of its parents, so all parents are synced.
    for (let folder = this.root; folder !== dirname(folder); folder = dirname(folder))
      await tolerating(UNSYNCABLE, syncFolder(files, dirname(folder)));
    const probe = this.#temporaryPath();
    const file = await files.open(probe, "wx", 0o600);
    await file.writeFile("probe").finally(() => file.close());
    await files.link(probe, `${probe}.link`);
    // Ages are measured by the disk's clock, which may differ from this machine's.
    const { mtimeMs: nowMs } = await files.stat(probe);
    for (const name of await files.readdir(this.#temporary)) {
      const path = join(this.#temporary, name);
      const left = await tolerating(["ENOENT"], files.stat(path));
      const isOurs = path.startsWith(probe);
      if (isOurs || (left && nowMs - left.mtimeMs > TEMPORARY_LIFE_MS))
        await files.rm(path, { recursive: true, force: true });
    }
  }

  /** Checks that the folder is still there: a store that is gone is not one in which nothing is kept, such as a key. */
  async assertThere(): Promise<void> {
    if (await tolerating(["ENOENT", "ENOTDIR"], this.#files.stat(this.#deleted))) return;
    throw new StoreError(
      "missing_bucket",
      `The data folder ${this.root} is gone; put it back and start again.`,
    );
  }

  async get(key: string): Promise<StoredObject | null> {
    assertKey(key);
    const newest = await this.#versions.read(this.#objectFolder(key));
    if (newest === null) await this.assertThere();
    if (!newest?.header) return null;
    return { body: newest.body, etag: newest.header.etag };
  }

  async open(key: string): Promise<OpenObject | null> {
    assertKey(key);
    const newest = await this.#versions.openNewest(this.#objectFolder(key));
    if (newest === null) {
      await this.assertThere();
      return null;
    }
    const { file, header, bodyOffset } = newest;
    if (header === null) {
      await file.close();
      return null;
    }
    return {
      etag: header.etag,
      contentType: header.contentType,
      sizeBytes: (await file.stat()).size - bodyOffset,
      stream({ start, end } = { start: 0, end: Number.MAX_SAFE_INTEGER - bodyOffset }) {
        return file.createReadStream({ start: bodyOffset + start, end: bodyOffset + end });
      },
      close: () => file.close(),
    };
  }

  async put(key: string, body: Uint8Array, options: PutOptions = {}): Promise<PutResult> {
    assertPut(key, options);
    const { ifAbsent, ifMatch, contentType = "application/octet-stream" } = options;
    const objectFolder = this.#objectFolder(key);
    const etag = Buffer.from(this.#random(12)).toString("base64url");
    // A writer that loses tries again: either its condition no longer holds, or it follows the new version.
    for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
      const newest = await this.#versions.read(objectFolder);
      if (newest?.header === null) {
        await this.#remove(newest);
        continue;
      }
      if (ifAbsent && newest !== null) return PRECONDITION_FAILED;
      if (ifMatch !== undefined && newest?.header.etag !== ifMatch) return PRECONDITION_FAILED;
      const outcome = await this.#write(objectFolder, newest, { etag, contentType, body });
      if (outcome === "done") return { ok: true, etag };
      if (outcome === "unknown") throw changedMeanwhile(key);
    }
    throw changesTooFast();
  }

  async #write(
    objectFolder: string,
    newest: Version | null,
    { etag, contentType, body }: { etag: string; contentType: string; body: Uint8Array },
  ): Promise<Linked> {
    const previous = newest?.header;
    const earlier = previous ? [previous.etag, ...previous.earlier].slice(0, EARLIER_MAX) : [];
    const version = { header: { etag, contentType, earlier }, body };
    const path = this.#temporaryPath();
    if (newest === null) return (await this.#versions.create(objectFolder, version, path)) ? "done" : "lost";
    try {
      await this.#versions.write(path, version);
      return await this.#versions.linkNext(newest, path, etag);
    } finally {
      await removeFile(this.#files, path);
    }
  }

  async delete(key: string, { ifMatch }: { readonly ifMatch?: string } = {}): Promise<boolean> {
    assertKey(key);
    const objectFolder = this.#objectFolder(key);
    for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
      const newest = await this.#versions.read(objectFolder);
      if (newest === null) {
        // A process killed during a deletion may have left the folder, and the key would still be listed.
        await this.#versions.removeEmptyFolders(objectFolder);
        return ifMatch === undefined;
      }
      if (newest.header === null) {
        await this.#remove(newest);
        continue;
      }
      if (ifMatch !== undefined && newest.header.etag !== ifMatch) return false;
      const outcome = await this.#versions.linkNext(newest, this.#deleted, null);
      if (outcome === "lost") continue;
      // The object was absent for a moment at least. Only a caller with an ETag needs to know who deleted it.
      if (outcome === "unknown" && ifMatch !== undefined) throw changedMeanwhile(key);
      // Another process may have removed the object without having synced the removal yet.
      await this.#remove(newest);
      return true;
    }
    throw changesTooFast();
  }

  async list(prefix: string, options: ListOptions = {}): Promise<Listing> {
    assertList(prefix, options);
    const { after = "", limit = 1000 } = options;
    const keys: string[] = [];
    for await (const key of this.#keysIn(prefix, after)) {
      if (keys.length === limit) return { keys, isTruncated: true };
      keys.push(key);
    }
    if (keys.length === 0) await this.assertThere();
    return { keys, isTruncated: false };
  }

  /** Yields the keys with a prefix that sort after a text, in ascending order. Reads no object. */
  async *#keysIn(prefix: string, after: string): AsyncGenerator<string> {
    const isWanted = ({ text, isObject }: Entry) =>
      isObject
        ? text.startsWith(prefix) && text > after
        : (text.startsWith(prefix) || prefix.startsWith(text)) && (text > after || after.startsWith(text));
    const start = prefix.slice(0, prefix.lastIndexOf("/") + 1);
    /** Objects and unread folders, the first at the end. A folder sorts before its keys. */
    const pending: Entry[] = [{ path: join(this.#objects, start), text: start, isObject: false }];
    for (let entry = pending.pop(); entry; entry = pending.pop()) {
      if (entry.isObject) {
        yield entry.text;
        continue;
      }
      const inside = (await entriesOf(this.#files, entry)).filter(isWanted).sort(descending);
      const isOverlapping = inside.length > 0 && pending.length > 0 && inside[0]!.text > pending.at(-1)!.text;
      for (const each of inside) pending.push(each);
      if (isOverlapping) pending.sort(descending);
    }
  }

  async #remove({ folder }: Version): Promise<void> {
    await this.#versions.removeIncarnation(folder, this.#temporaryPath());
  }

  #objectFolder(key: string): string {
    return join(this.#objects, placeOf(key));
  }

  #temporaryPath(): string {
    return join(this.#temporary, newName(this.#random));
  }
}

function descending(a: Entry, b: Entry): number {
  return a.text > b.text ? -1 : 1;
}

function changedMeanwhile(key: string): StoreError {
  const message = `The object ${key} was changed so often meanwhile that the outcome of the write is unknown; read it again.`;
  return new StoreError("unavailable", message);
}
