import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import type { FileSystem, OpenFile } from "../../lib/service/storage/file-system.ts";
import type { SeededRandom } from "./seeded-random.ts";

interface File {
  readonly kind: "file";
  bytes: Buffer;
  /** Content at the last sync. */
  synced: Buffer;
  mtimeMs: number;
}

export interface Folder {
  readonly kind: "folder";
  readonly entries: Map<string, Node>;
  /** Entries at the last sync. */
  readonly synced: Map<string, Node>;
  mtimeMs: number;
}

export type Node = File | Folder;

/** Entry that was added or, without a node, removed. */
interface Step {
  readonly folder: Folder;
  readonly name: string;
  readonly node: Node | null;
}

/** All steps of one call: a power cut keeps all of them or none. */
type Change = readonly Step[];

export type Chance = Pick<SeededRandom, "chance" | "pick" | "integer">;

/** Runs the operation of one call, now or later. Never settles for a process that died. */
export type Call = <T>(operation: () => T) => Promise<T>;

/** Limit of unsynced changes: the system writes older ones by itself. */
const UNSYNCED_MAX = 256;

/**
 * A disk in memory, under any number of processes. Each call is atomic. A power cut may lose written bytes until their
 * file is synced, and added or removed entries until their folder is synced. Each change is lost or kept on its own,
 * whatever the order of the writes; only changes of the same name keep their order.
 */
export class Disk {
  readonly #root: Folder;
  readonly #now: () => number;
  #unsynced: Change[] = [];
  /** Called with the path of every entry that was added or removed. */
  onChange: (path: string) => void = () => undefined;

  constructor(now: () => number) {
    this.#now = now;
    this.#root = this.#newFolder();
  }

  /** Returns the file system that a process uses. */
  filesFor(call: Call): FileSystem {
    const names = (path: string) => [...this.#folder(path, "scandir").entries.keys()];
    return {
      open: (path, flags = "r") => call(() => this.#open(path, flags, call)),
      link: (existing, path) => call(() => this.#link(existing, path)),
      rename: (from, to) => call(() => this.#rename(from, to)),
      unlink: (path) => call(() => this.#unlink(path)),
      rmdir: (path) => call(() => this.#rmdir(path)),
      readdir: (path) => call(() => names(path)),
      readdirNow: names,
      stat: (path) => call(() => ({ mtimeMs: this.#existing(path, "stat").mtimeMs })),
      mkdir: (path, { recursive }) =>
        recursive
          ? this.#makeFolders(path, call)
          : call(() => {
              if (this.#find(path)) throw fault("EEXIST", "mkdir", path);
              this.#add(path, this.#newFolder(), "mkdir");
            }),
      rm: (path) => this.#removeAll(path, call),
    };
  }

  /** Returns the file or folder at a path, or null. */
  find(path: string): Node | null {
    return this.#find(path);
  }

  /** Loses a random part of what was not synced. All processes that used the disk must be dead. */
  cutPower(random: Chance): void {
    this.#sync(() => random.chance(0.5));
    this.#unsynced = [];
    const seen = new Set<Node>();
    const settle = (node: Node) => {
      if (seen.has(node)) return;
      seen.add(node);
      if (node.kind === "file") return settleFile(node, random);
      node.entries.clear();
      for (const [name, child] of node.synced) node.entries.set(name, child);
      for (const child of node.entries.values()) settle(child);
    };
    settle(this.#root);
  }

  async #makeFolders(path: string, call: Call): Promise<string | undefined> {
    const make = () => {
      if (this.#find(path)?.kind === "folder") return undefined;
      this.#add(path, this.#newFolder(), "mkdir");
      return path;
    };
    if (await call(() => this.#find(dirname(path)))) return call(make);
    const first = await this.#makeFolders(dirname(path), call);
    // Fails like the real `mkdir` if the parent has been removed again.
    const own = await call(make);
    return first ?? own;
  }

  /** Makes as many calls as the real `rm` does, between any two of which a process may die. */
  async #removeAll(path: string, call: Call): Promise<void> {
    const node = await call(() => this.#find(path));
    if (node?.kind === "folder") {
      for (const name of node.entries.keys()) await this.#removeAll(join(path, name), call);
    }
    if (node) await call(() => this.#remove(path));
  }

  #open(path: string, flags: "r" | "wx" | "a", call: Call): OpenFile {
    let node = this.#find(path);
    if (node && flags === "wx") throw fault("EEXIST", "open", path);
    if (!node && flags === "r") throw fault("ENOENT", "open", path);
    if (!node) {
      node = { kind: "file", bytes: Buffer.alloc(0), synced: Buffer.alloc(0), mtimeMs: this.#now() };
      this.#add(path, node, "open");
    }
    return this.#handle(node, path, call);
  }

  #handle(node: Node, path: string, call: Call): OpenFile {
    const file = (): File => {
      if (node.kind === "file") return node;
      throw fault("EISDIR", "read", path);
    };
    return {
      read: (buffer, offset, length, position) =>
        call(() => {
          const bytesRead = file().bytes.copy(buffer, offset, position, position + length);
          return { bytesRead, buffer };
        }),
      readFile: () => call(() => Buffer.from(file().bytes)),
      writeFile: (data) =>
        call(() => {
          file().bytes = Buffer.concat([file().bytes, Buffer.from(data as Uint8Array)]);
          file().mtimeMs = this.#now();
        }),
      stat: () => call(() => ({ size: file().bytes.length })),
      sync: () =>
        call(() => {
          if (node.kind === "file") node.synced = node.bytes;
          else this.#sync((change) => change.some(({ folder }) => folder === node));
        }),
      createReadStream: ({ start, end }) => Readable.from([file().bytes.subarray(start, end + 1)]),
      close: () => call(() => undefined),
    };
  }

  #link(existing: string, path: string): void {
    const node = this.#existing(existing, "link");
    if (this.#find(path)) throw fault("EEXIST", "link", path);
    this.#add(path, node, "link");
  }

  #rename(from: string, to: string): void {
    const node = this.#existing(from, "rename");
    const target = this.#find(to);
    if (target?.kind === "folder" && target.entries.size > 0) throw fault("ENOTEMPTY", "rename", to);
    const source = this.#place(from, "rename");
    const destination = this.#place(to, "rename");
    this.#apply([
      { ...source, node: null },
      { ...destination, node },
    ]);
    for (const path of [from, to]) this.onChange(path);
  }

  #unlink(path: string): void {
    this.#existing(path, "unlink");
    this.#remove(path);
  }

  #rmdir(path: string): void {
    if (this.#folder(path, "rmdir").entries.size > 0) throw fault("ENOTEMPTY", "rmdir", path);
    this.#remove(path);
  }

  #add(path: string, node: Node, syscall: string): void {
    this.#apply([{ ...this.#place(path, syscall), node }]);
    this.onChange(path);
  }

  #remove(path: string): void {
    if (!this.#find(path)) return;
    this.#apply([{ ...this.#place(path, "unlink"), node: null }]);
    this.onChange(path);
  }

  #apply(change: Change): void {
    for (const { folder, ...entry } of change) {
      set(folder.entries, entry);
      folder.mtimeMs = this.#now();
    }
    this.#unsynced.push(change);
    if (this.#unsynced.length <= UNSYNCED_MAX) return;
    const old = new Set(this.#unsynced.slice(0, UNSYNCED_MAX / 2));
    this.#sync((each) => old.has(each));
  }

  /** Makes chosen changes durable, and earlier changes of the same names with them. */
  #sync(isChosen: (change: Change) => boolean): void {
    const names = new Map<Folder, Set<string>>();
    const chosen = new Set<Change>();
    for (const change of this.#unsynced.toReversed()) {
      if (!isChosen(change) && !change.some(({ folder, name }) => names.get(folder)?.has(name))) continue;
      chosen.add(change);
      for (const { folder, name } of change) {
        if (!names.has(folder)) names.set(folder, new Set());
        names.get(folder)!.add(name);
      }
    }
    this.#unsynced = this.#unsynced.filter((change) => {
      if (!chosen.has(change)) return true;
      for (const { folder, ...entry } of change) set(folder.synced, entry);
      return false;
    });
  }

  #newFolder(): Folder {
    return { kind: "folder", entries: new Map(), synced: new Map(), mtimeMs: this.#now() };
  }

  #find(path: string): Node | null {
    let node: Node | undefined = this.#root;
    for (const name of path.split("/")) {
      if (name === "") continue;
      if (node?.kind !== "folder") return null;
      node = node.entries.get(name);
    }
    return node ?? null;
  }

  #existing(path: string, syscall: string): Node {
    const node = this.#find(path);
    if (node) return node;
    throw fault("ENOENT", syscall, path);
  }

  #folder(path: string, syscall: string): Folder {
    const node = this.#existing(path, syscall);
    if (node.kind === "folder") return node;
    throw fault("ENOTDIR", syscall, path);
  }

  #place(path: string, syscall: string): Omit<Step, "node"> {
    return { folder: this.#folder(dirname(path), syscall), name: path.slice(path.lastIndexOf("/") + 1) };
  }
}

function set(entries: Map<string, Node>, { name, node }: Omit<Step, "folder">): void {
  if (node) entries.set(name, node);
  else entries.delete(name);
}

/** Keeps all bytes written since the last sync, none of them, or a prefix. */
function settleFile(file: File, random: Chance): void {
  if (file.bytes !== file.synced) {
    const leastBytes = Math.min(file.synced.length, file.bytes.length);
    const keptBytes = random.pick([
      leastBytes,
      file.bytes.length,
      random.integer(leastBytes, file.bytes.length),
    ]);
    file.bytes = file.bytes.subarray(0, keptBytes);
  }
  file.synced = file.bytes;
}

function fault(code: string, syscall: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${syscall} '${path}'`), { code, syscall, path });
}
