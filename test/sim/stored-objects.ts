import type { StoredObject } from "../../lib/service/storage/index.ts";
import type { Disk, Folder, Node } from "./disk.ts";

/** Names of records whose times are spread over folders, as in the layout of the store. */
const SPREAD = /(?<=\/)(video_.{4})(..)(..)(.{18}\.json)$/;

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
      ? /^(.+?)@(\/|$)/.exec(path.slice(this.#root.length + 1))?.[1]?.replaceAll("+/", "")
      : undefined;
  }

  /** @throws Error if the newest version is not whole */
  get(key: string): StoredObject | undefined {
    const node = this.#disk.find(`${this.#root}/${key.replace(SPREAD, "$1+/$2+/$3+/$4")}@`);
    return node ? objectIn(node, key) : undefined;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  *keys(path = ""): Generator<string> {
    const folder = this.#disk.find(`${this.#root}/${path}`) as Folder | null;
    for (const name of folder?.entries.keys() ?? []) {
      const key = (path + name.slice(0, -1)).replaceAll("+/", "");
      if (!name.endsWith("@")) yield* this.keys(`${path}${name}/`);
      else if (this.has(key)) yield key;
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
