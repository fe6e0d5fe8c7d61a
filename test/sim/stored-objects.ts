import type { StoredObject } from "../../lib/service/storage/index.ts";
import type { Disk, Folder, Node } from "./disk.ts";

/** Objects of a folder store, read directly from its disk without the store's code. */
export class StoredObjects {
  readonly #disk: Disk;
  readonly #root: string;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#root = `${folder}/objects`;
  }

  /** Returns the key of the object that a path belongs to, if any. */
  keyOf(path: string): string | undefined {
    return path.startsWith(`${this.#root}/`)
      ? /^(.+?)@(\/|$)/.exec(path.slice(this.#root.length + 1))?.[1]
      : undefined;
  }

  /** @throws Error if the newest version is not whole */
  get(key: string): StoredObject | undefined {
    const node = this.#disk.find(`${this.#root}/${key}@`);
    return node ? objectIn(node, key) : undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  *keys(start = ""): Generator<string> {
    const folder = this.#disk.find(`${this.#root}/${start}`) as Folder | null;
    for (const name of folder?.entries.keys() ?? []) {
      if (!name.endsWith("@")) yield* this.keys(`${start}${name}/`);
      else if (this.has(start + name.slice(0, -1))) yield start + name.slice(0, -1);
    }
  }
}

function objectIn(node: Node, key: string): StoredObject | undefined {
  const [incarnation] = (node as Folder).entries.values();
  if (!incarnation) return undefined;
  const versions = (incarnation as Folder).entries;
  const newest = versions.get(String(Math.max(...[...versions.keys()].map(Number))));
  if (newest?.kind !== "file") throw new Error(`${key} has no versions`);
  if (newest.bytes.length === 0) return undefined;
  const end = newest.bytes.indexOf("\n");
  const header = JSON.parse(newest.bytes.toString("utf8", 0, end)) as { etag: string };
  return { etag: header.etag, body: newest.bytes.subarray(end + 1) };
}
