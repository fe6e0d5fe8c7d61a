import { createHash } from "node:crypto";
import { assertKey, type ObjectStore, type StoredObject } from "../../../lib/service/storage/index.ts";
import { assertList, assertPut } from "../../../lib/service/storage/object-store.ts";

export interface MemoryStore extends ObjectStore {
  readonly objects: ReadonlyMap<string, StoredObject>;
}

/**
 * Creates an object store in memory whose operations take effect immediately. As on S3, an etag is the hash
 * of the content.
 */
export function memoryStore(): MemoryStore {
  const objects = new Map<string, StoredObject>();
  const sorted: string[] = [];

  /** Returns the index of the first key that is not before `key`. */
  function position(key: string): number {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    objects,
    async get(key) {
      assertKey(key);
      const object = objects.get(key);
      return object ? { ...object, body: object.body.slice() } : null;
    },
    async put(key, body, options = {}) {
      assertPut(key, options);
      const { ifAbsent, ifMatch } = options;
      const current = objects.get(key);
      const isRefused = (ifAbsent && current) || (ifMatch !== undefined && current?.etag !== ifMatch);
      if (isRefused) return { ok: false, reason: "precondition_failed" };
      if (!current) sorted.splice(position(key), 0, key);
      const etag = createHash("md5").update(body).digest("hex");
      objects.set(key, { body: body.slice(), etag });
      return { ok: true, etag };
    },
    async delete(key, { ifMatch } = {}) {
      assertKey(key);
      const current = objects.get(key);
      if (ifMatch !== undefined && current?.etag !== ifMatch) return false;
      if (objects.delete(key)) sorted.splice(position(key), 1);
      return true;
    },
    async list(prefix, options = {}) {
      assertList(prefix, options);
      const { after = "", limit = 1000 } = options;
      const keys: string[] = [];
      for (let at = Math.max(position(prefix), position(after)); at < sorted.length; at += 1) {
        const key = sorted[at]!;
        if (!key.startsWith(prefix) && key > prefix) break;
        if (key <= after) continue;
        if (keys.length === limit) return { keys, isTruncated: true };
        keys.push(key);
      }
      return { keys, isTruncated: false };
    },
    async signedUrl(key) {
      assertKey(key);
      return `memory:${key}`;
    },
  };
}
