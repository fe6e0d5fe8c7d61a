import { dirname, join } from "node:path";
import type { Random } from "../../shared/ports.ts";
import {
  type FileSystem,
  FOLDER,
  FOLDERS,
  hasCode,
  type OpenFile,
  removeFile,
  syncFolder,
  tolerating,
} from "./file-system.ts";
import { FolderSyncs, isSynced } from "./folder-syncs.ts";
import { parentsOf } from "./layout.ts";
import { StoreError } from "./object-store.ts";

/*
 * An object is a folder `<key>@`. It contains one folder, the incarnation, which contains the versions by number:
 *
 *   objects/videos/v1.json@/0b8f…-7d/12
 *
 * The version with the highest number is the object. Lower numbers are older versions that are not removed yet. This is
 * safe without locks, for any number of processes that may stop at any point:
 *
 * - A version is written and synced elsewhere and then linked here, so a version with a number is complete. `link`
 *   never replaces a file, so one of several writers of version 13 wins.
 * - A version is removed only if a higher one exists, so the highest number never decreases.
 * - A suspended writer may believe that 12 is the newest, while 13 and 14 are written and 13 is removed. It can then
 *   take the free number 13, but finds 14 when it looks again. No reader saw its 13, so it has lost.
 * - A writer that took 13 in time may find 14 too, written by a process that saw its 13. Every version lists the ETags
 *   of the versions before it, which tells these two cases apart.
 * - An object is created as a folder that contains version 1, and is renamed to `<key>@`. `rename` replaces only an
 *   empty folder, so one of several creators wins.
 * - The name of an incarnation is never used again. A writer that was suspended while the object was deleted and
 *   created again links into a folder that no longer exists.
 * - A deletion is a version too: an empty file. It has one winner like every write, and no version follows it. Then the
 *   incarnation is moved away by its name, so that the next incarnation cannot be hit.
 *
 * If a process is killed between these last two steps, the key is listed although the object is deleted, until the next
 * creation or deletion.
 *
 * A write is durable before it is acknowledged, though other processes may see it earlier and replace it. The folder of
 * the versions is synced after each link, and its parents by the writers of versions 1 and 2. A deletion is durable
 * before the files of the deleted object are removed.
 */

/** First line of a version's file, as JSON. */
export interface Header {
  readonly etag: string;
  readonly contentType: string;
  /** ETags of the versions before this one, newest first, {@link EARLIER_MAX} at most. */
  readonly earlier: readonly string[];
}

/** Number of earlier ETags in a version. If more versions follow a write, its outcome can no longer be known. */
export const EARLIER_MAX = 32;

export interface Version {
  /** Folder of the incarnation. */
  readonly folder: string;
  readonly number: number;
  /** Header; null in the version that deletes the object. */
  readonly header: Header | null;
}

/** Version with its content. */
export interface ReadVersion extends Version {
  readonly body: Uint8Array;
}

/** Version with its open file, which the caller closes. */
export interface OpenVersion extends Version {
  readonly file: OpenFile;
  /** First bytes of the file: the whole file if it is shorter than {@link HEAD_BYTES}. */
  readonly head: Buffer;
  readonly bodyOffset: number;
}

/** Number of bytes read at first. Enough for every header and most records. */
export const HEAD_BYTES = 16_384;

/** Limit of tries. A try fails only because another process succeeded, so at the limit something must be broken. */
export const TRIES_MAX = 100;

/** Content of a version that is to be written. */
export interface NewVersion {
  readonly header: Header;
  readonly body: Uint8Array;
}

/** Result of linking a version: `lost` to another writer, or `unknown` if it can no longer be told whether it was. */
export type Linked = "done" | "lost" | "unknown";

export interface VersionsOptions {
  readonly files: FileSystem;
  readonly random: Random;
  /** Folder of all objects; it must be durable. */
  readonly root: string;
}

/** Limit of remembered incarnations. */
const PLACED_MAX = 1000;
/** Limit of remembered versions, each smaller than {@link HEAD_BYTES}. */
const KNOWN_MAX = 500;

/** Bytes below which a body is copied behind its header, so that both are one write. */
const COPIED_BYTES = 65_536;

/** Reads, writes and removes versions of objects. */
export class Versions {
  readonly #files: FileSystem;
  readonly #random: Random;
  readonly #root: string;
  readonly #syncs: FolderSyncs;
  /** Incarnations that this process made and whose parent folders it synced. */
  readonly #placed = new Set<string>();
  /** Small versions that were read, by the folder of their object, the oldest first. */
  readonly #known = new Map<string, ReadVersion>();

  constructor({ files, random, root }: VersionsOptions) {
    this.#files = files;
    this.#random = random;
    this.#root = root;
    this.#syncs = new FolderSyncs(files);
  }

  /** Opens the newest version; resolves to null if there is none. */
  async openNewest(objectFolder: string): Promise<OpenVersion | null> {
    const files = this.#files;
    for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
      const incarnations = await tolerating(["ENOENT"], files.readdir(objectFolder));
      const incarnation = incarnations?.find((name) => !name.startsWith("."));
      if (incarnation === undefined) return null;
      const folder = join(objectFolder, incarnation);
      const numbers = await this.#numbersIn(folder);
      if (numbers === null) continue; // The object was deleted since, and perhaps created again.
      const number = highest(numbers);
      const file = await tolerating(["ENOENT"], files.open(join(folder, String(number)), "r"));
      if (file === undefined) continue; // A newer version was written since.
      try {
        return { folder, number, file, ...(await readHead(file)) };
      } catch (error) {
        await file.close();
        throw error;
      }
    }
    throw changesTooFast();
  }

  /** Reads the newest version; null if there is none. A small one that was read before costs no thread. */
  async read(objectFolder: string): Promise<ReadVersion | null> {
    const known = this.#known.get(objectFolder);
    // A version never changes.
    if (known && this.#isNewest(known)) return { ...known, body: known.body.slice() };
    this.#known.delete(objectFolder);
    const opened = await this.openNewest(objectFolder);
    if (opened === null) return null;
    const { file, head, bodyOffset, folder, number, header } = opened;
    try {
      const isSmall = head.length < HEAD_BYTES;
      const bytes = isSmall ? head : await file.readFile();
      const body = new Uint8Array(bytes.buffer, bytes.byteOffset + bodyOffset, bytes.length - bodyOffset);
      const version = { folder, number, header, body };
      if (isSmall) this.#remember(objectFolder, { ...version, body: body.slice() });
      return version;
    } finally {
      await file.close();
    }
  }

  /**
   * Writes a version to `path`, synced to disk.
   *
   * @param folders folders around it, which are synced at the same time
   */
  async write(path: string, { header, body }: NewVersion, folders: readonly string[] = []): Promise<void> {
    const line = Buffer.from(`${JSON.stringify(header)}\n`);
    const file = await this.#files.open(path, "wx", 0o600);
    try {
      // A small version takes one write; a large one is not copied.
      for (const part of body.length < COPIED_BYTES ? [Buffer.concat([line, body])] : [line, body])
        await file.writeFile(part);
      const syncs = [file.sync(), ...folders.map((folder) => syncFolder(this.#files, folder))];
      // All have ended before the file is closed.
      for (const sync of await Promise.allSettled(syncs)) if (sync.status === "rejected") throw sync.reason;
    } finally {
      await file.close();
    }
  }

  /**
   * Creates an object. Resolves to false if it exists already.
   *
   * @param draft unused path on the same disk, where the folder is made before it is renamed
   */
  async create(objectFolder: string, first: NewVersion, draft: string): Promise<boolean> {
    const name = newName(this.#random);
    const incarnation = join(draft, name);
    let isPlaced = false;
    try {
      // Without their parents: a data folder that somebody removed is not made anew.
      for (const folder of [draft, incarnation]) await this.#files.mkdir(folder, FOLDER);
      await this.write(join(incarnation, "1"), first, [incarnation, draft]);
      isPlaced = await this.#place(draft, objectFolder);
      if (!isPlaced) return false;
      await this.#syncParents(objectFolder);
      this.#notePlaced(join(objectFolder, name));
      return true;
    } finally {
      if (!isPlaced) await this.#files.rm(draft, { recursive: true, force: true });
    }
  }

  /** Renames a draft to an object's folder. Resolves to false if there is an object. */
  async #place(draft: string, objectFolder: string): Promise<boolean> {
    let obstacle: unknown;
    for (let attempt = 0; attempt < TRIES_MAX; attempt += 1) {
      try {
        if (attempt > 0) await this.#files.mkdir(dirname(objectFolder), FOLDERS);
        await this.#files.rename(draft, objectFolder);
        return true;
      } catch (error) {
        if (hasCode(error, ["ENOTEMPTY", "EEXIST"])) return false;
        // There is no parent folder yet, or a neighbour deleted its last object, and the folder with it. The recursive
        // `mkdir` says ENOTDIR if the folder was there when it made it, and no longer when it looked.
        if (!hasCode(error, ["ENOENT", "ENOTDIR"])) throw error;
        obstacle = error;
      }
    }
    // No folder is removed and made again that often: a file may stand in the way.
    throw obstacle;
  }

  /**
   * Makes the file at `path` the version after `newest`, and removes the older ones.
   *
   * @param etag ETag of the version at `path`; null for a deletion
   */
  async linkNext(newest: Version, path: string, etag: string | null): Promise<Linked> {
    const { folder } = newest;
    const number = newest.number + 1;
    const target = join(folder, String(number));
    // The writer of version 1 may not have synced the parent folders yet; without them all versions would be lost.
    if (newest.number === 1 && !this.#placed.delete(folder)) await this.#syncParents(dirname(folder));
    try {
      await this.#files.link(path, target);
    } catch (error) {
      if (hasCode(error, ["EEXIST", "ENOENT"])) return "lost";
      throw error;
    }
    // The system lists a folder this small in one call, so a version and its successor cannot both be missed.
    const numbers = await this.#numbersIn(folder);
    if (numbers === null) return "unknown";
    if (highest(numbers) > number) {
      // A newer version exists, so this one is removed whether it came in time or not.
      await removeFile(this.#files, target);
      const fate = await this.#fateOf(etag, { folder, number });
      // The writer of the newer version may not have synced it yet.
      if (fate === "done") await this.#settle(folder);
      return fate;
    }
    // The link is made durable before the clean-up: a power cut could otherwise lose the link and keep the removals.
    await this.#settle(folder);
    for (const older of numbers)
      if (older < number) await removeFile(this.#files, join(folder, String(older)));
    return "done";
  }

  /** Finds out whether a version that newer ones have overtaken is among their predecessors, or came too late. */
  async #fateOf(
    etag: string | null,
    { folder, number }: { folder: string; number: number },
  ): Promise<Linked> {
    // Nothing follows a deletion.
    if (etag === null) return "lost";
    const newest = await this.read(dirname(folder));
    if (newest?.folder !== folder || newest.header === null) return "unknown";
    const written = newest.header.earlier[newest.number - number - 1];
    if (written === undefined) return "unknown";
    return written === etag ? "done" : "lost";
  }

  /** Moves a deleted incarnation to `trash` and removes it there, with the folders that it leaves empty. */
  async removeIncarnation(folder: string, trash: string): Promise<void> {
    await tolerating(["ENOENT"], this.#files.rename(folder, trash));
    await this.removeEmptyFolders(dirname(folder));
    await this.#files.rm(trash, { recursive: true, force: true });
  }

  /** Removes `folder` and its parents below the root as far as they are empty, and makes the removal durable. */
  async removeEmptyFolders(folder: string): Promise<void> {
    const root = this.#root;
    let empty = folder;
    while (empty !== root && (await this.#removeEmptyFolder(empty))) empty = dirname(empty);
    // If the folder is not empty, a new object has replaced it: the rename must become durable too.
    if (empty === folder) empty = dirname(folder);
    // Another process may have removed a folder without having synced its parent yet.
    while (!(await isSynced(this.#files, empty)) && empty !== root) empty = dirname(empty);
  }

  /** Makes the versions of an incarnation durable, or its deletion if it has been deleted. */
  async #settle(incarnation: string): Promise<void> {
    if (!(await isSynced(this.#files, incarnation))) await this.removeEmptyFolders(dirname(incarnation));
  }

  async #removeEmptyFolder(folder: string): Promise<boolean> {
    try {
      await this.#files.rmdir(folder);
      return true;
    } catch (error) {
      if (hasCode(error, ["ENOENT"])) return true;
      if (hasCode(error, ["ENOTEMPTY", "EEXIST"])) return false;
      throw error;
    }
  }

  /** Returns whether a version is still the newest. The highest number of an incarnation never decreases. */
  #isNewest({ folder, number }: Version): boolean {
    try {
      return highest(numbersOf(this.#files.readdirNow(folder))) === number;
    } catch (error) {
      if (hasCode(error, ["ENOENT"])) return false;
      throw error;
    }
  }

  async #numbersIn(folder: string): Promise<number[] | null> {
    const names = await tolerating(["ENOENT"], this.#files.readdir(folder));
    return names ? numbersOf(names) : null;
  }

  /** Syncs all parent folders: another process may have made one of them without having synced it yet. */
  async #syncParents(path: string): Promise<void> {
    await Promise.all(parentsOf(path, this.#root).map((folder) => this.#syncs.sync(folder)));
  }

  #remember(objectFolder: string, version: ReadVersion): void {
    if (this.#known.size >= KNOWN_MAX) this.#known.delete(this.#known.keys().next().value!);
    this.#known.set(objectFolder, version);
  }

  #notePlaced(incarnation: string): void {
    if (this.#placed.size >= PLACED_MAX) this.#placed.clear();
    this.#placed.add(incarnation);
  }
}

function numbersOf(names: readonly string[]): number[] {
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

function highest(numbers: readonly number[]): number {
  return Math.max(...numbers);
}

/** Makes a unique name. */
export function newName(random: Random): string {
  return Buffer.from(random(16)).toString("hex");
}

async function readHead(file: OpenFile): Promise<Pick<OpenVersion, "head" | "header" | "bodyOffset">> {
  const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(HEAD_BYTES), 0, HEAD_BYTES, 0);
  const head = buffer.subarray(0, bytesRead);
  if (bytesRead === 0) return { head, header: null, bodyOffset: 0 };
  const headerBytes = head.indexOf("\n");
  const header = parsedHeader(head.toString("utf8", 0, headerBytes));
  return header ? { head, header, bodyOffset: headerBytes + 1 } : { head, header: DAMAGED, bodyOffset: 0 };
}

/** Header of a file that begins with none, as after a fault of the disk. The object can be replaced and deleted. */
const DAMAGED: Header = { etag: "damaged", contentType: "application/octet-stream", earlier: [] };

function parsedHeader(line: string): Header | null {
  try {
    const header = JSON.parse(line) as Partial<Header> | null;
    const isWhole = typeof header?.etag === "string" && typeof header.contentType === "string";
    return isWhole && Array.isArray(header.earlier) ? (header as Header) : null;
  } catch {
    return null;
  }
}

export function changesTooFast(): StoreError {
  return new StoreError("unavailable", "The object changes too fast to be read or written; try again.");
}
