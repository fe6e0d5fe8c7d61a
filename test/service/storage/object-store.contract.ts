import { beforeEach, describe, expect, it } from "vitest";
import { everyKey, type ObjectStore, type PutResult } from "../../../lib/service/storage/index.ts";

/** Answer to a signed URL; null if it was refused. */
export type Served = { readonly body: Uint8Array; readonly contentType: string } | null;

export interface Subject {
  /** Store under test, empty. */
  readonly store: ObjectStore;
  /** Reads a signed URL without credentials. */
  fetch(url: string): Promise<Served>;
  /** Advances the time for signed URLs. */
  advance(seconds: number): Promise<void>;
}

const bytes = (text: string) => new TextEncoder().encode(text);

async function textAt(store: ObjectStore, key: string): Promise<string | null> {
  const object = await store.get(key);
  return object && new TextDecoder().decode(object.body);
}

function etagOf(result: PutResult): string {
  if (!result.ok) throw new Error(`not written: ${result.reason}`);
  return result.etag;
}

const FAILED = { ok: false, reason: "precondition_failed" };

/** Retries a write that was refused with 409, which a server may answer to any of several concurrent writes. */
async function untilAnswered(write: () => Promise<PutResult>): Promise<PutResult> {
  for (;;) {
    const result = await write();
    if (result.ok || result.reason !== "conflict") return result;
  }
}

/**
 * Contract of every object store.
 *
 * @param lacks  titles of tests that are known to fail with a server, and are skipped
 */
export function objectStoreContract(open: () => Promise<Subject>, lacks: readonly string[] = []): void {
  let subject: Subject;
  let store: ObjectStore;

  beforeEach(async () => {
    subject = await open();
    ({ store } = subject);
  });

  function check(title: string, run: () => Promise<void>): void {
    it.skipIf(lacks.includes(title))(title, run);
  }

  describe("objects", () => {
    check("objects come back as they were written", async () => {
      const all = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 31) % 256);
      for (const body of [bytes("{}"), all, all.subarray(0, 4096), bytes("\n\n"), new Uint8Array()]) {
        const etag = etagOf(await store.put("a/b.json", body));
        const object = await store.get("a/b.json");
        expect(object?.etag).toBe(etag);
        expect(Buffer.from(object!.body).equals(body)).toBe(true);
      }
    });

    check("absent objects are null", async () => {
      await store.put("a/b", bytes("1"));
      for (const key of ["a", "b", "a/b/c", "a/bb"]) expect(await store.get(key)).toBeNull();
    });

    check("a key may begin with another key", async () => {
      for (const key of ["a/b", "a", "a/b/c"]) await store.put(key, bytes(key));
      for (const key of ["a", "a/b", "a/b/c"]) expect(await textAt(store, key)).toBe(key);
      expect((await store.list("")).keys).toEqual(["a", "a/b", "a/b/c"]);
      expect((await store.list("a/")).keys).toEqual(["a/b", "a/b/c"]);
      expect((await store.list("a/b")).keys).toEqual(["a/b", "a/b/c"]);
      expect((await store.list("", { after: "a" })).keys).toEqual(["a/b", "a/b/c"]);
      await store.delete("a/b");
      expect((await store.list("")).keys).toEqual(["a", "a/b/c"]);
    });

    check("an object's tag changes with its content", async () => {
      const first = etagOf(await store.put("a", bytes("1")));
      expect(etagOf(await store.put("a", bytes("2")))).not.toBe(first);
    });

    check("every allowed key works, up to 512 characters", async () => {
      const keys = ["AZaz09._-=", ".a", "..a", "a..", "-", "=", `${"a".repeat(200)}/${"b/".repeat(155)}c`];
      expect(keys.at(-1)).toHaveLength(512);
      for (const key of keys) await store.put(key, bytes(key));
      for (const key of keys) expect(await textAt(store, key)).toBe(key);
      expect((await store.list("")).keys).toEqual([...keys].sort());
    });

    check("other keys are refused", async () => {
      const wrong = ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", "a/.", "a@", "a b", "ä", "a\0"];
      for (const key of [...wrong, "a\\b", "a%2fb", "a".repeat(201), `${"a/".repeat(256)}b`]) {
        await expect(store.get(key)).rejects.toThrow(RangeError);
        await expect(store.put(key, bytes("1"))).rejects.toThrow(RangeError);
        await expect(store.delete(key)).rejects.toThrow(RangeError);
        await expect(store.signedUrl(key, { expiresInSeconds: 1 })).rejects.toThrow(RangeError);
      }
    });
  });

  describe("conditional writes", () => {
    check("a conditional creation creates only an absent object", async () => {
      const etag = etagOf(await store.put("a", bytes("1"), { ifAbsent: true }));
      expect(await store.put("a", bytes("2"), { ifAbsent: true })).toEqual(FAILED);
      expect(await store.get("a")).toEqual({ etag, body: bytes("1") });
    });

    check("exactly one of 20 concurrent creations succeeds", async () => {
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          untilAnswered(() => store.put("a", bytes(`${index}`), { ifAbsent: true })),
        ),
      );
      const winners = results.flatMap((result, index) => (result.ok ? [index] : []));
      expect(winners).toHaveLength(1);
      expect(await textAt(store, "a")).toBe(`${winners[0]}`);
    });

    check("exactly one of 20 concurrent replacements succeeds", async () => {
      const ifMatch = etagOf(await store.put("a", bytes("0")));
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          untilAnswered(() => store.put("a", bytes(`${index + 1}`), { ifMatch })),
        ),
      );
      const winners = results.flatMap((result, index) => (result.ok ? [index + 1] : []));
      expect(winners).toHaveLength(1);
      expect(await textAt(store, "a")).toBe(`${winners[0]}`);
    });

    check("a conditional replacement replaces only the named version", async () => {
      const first = etagOf(await store.put("a", bytes("1")));
      const second = etagOf(await store.put("a", bytes("2"), { ifMatch: first }));
      expect(await store.put("a", bytes("3"), { ifMatch: first })).toEqual(FAILED);
      expect(await store.put("a", bytes("3"), { ifMatch: "never-a-tag" })).toEqual(FAILED);
      expect(await textAt(store, "a")).toBe("2");
      expect((await store.put("a", bytes("3"), { ifMatch: second })).ok).toBe(true);
    });

    check("a conditional replacement of an absent object fails", async () => {
      const etag = etagOf(await store.put("a", bytes("1")));
      await store.delete("a");
      expect(await store.put("a", bytes("2"), { ifMatch: etag })).toEqual(FAILED);
      expect(await store.put("b", bytes("2"), { ifMatch: etag })).toEqual(FAILED);
      expect((await store.list("")).keys).toEqual([]);
    });

    check("a write with two conditions is refused", async () => {
      const put = store.put("a", bytes("1"), { ifAbsent: true, ifMatch: "x" });
      await expect(put).rejects.toThrow(RangeError);
    });
  });

  describe("deleting", () => {
    check("a deletion makes the object absent, and may be repeated", async () => {
      await store.put("a", bytes("1"));
      for (let time = 0; time < 2; time += 1) {
        expect(await store.delete("a")).toBe(true);
        expect(await store.get("a")).toBeNull();
      }
      expect((await store.put("a", bytes("2"), { ifAbsent: true })).ok).toBe(true);
      expect(await textAt(store, "a")).toBe("2");
    });

    check("a conditional deletion deletes only the named version", async () => {
      const first = etagOf(await store.put("a", bytes("1")));
      const second = etagOf(await store.put("a", bytes("2")));
      expect(await store.delete("a", { ifMatch: first })).toBe(false);
      expect(await textAt(store, "a")).toBe("2");
      expect(await store.delete("a", { ifMatch: second })).toBe(true);
      expect(await store.get("a")).toBeNull();
      expect(await store.delete("a", { ifMatch: second })).toBe(false);
    });
  });

  describe("listing", () => {
    async function fill(keys: readonly string[]): Promise<void> {
      for (let at = 0; at < keys.length; at += 50)
        await Promise.all(keys.slice(at, at + 50).map((key) => store.put(key, bytes("1"))));
    }

    check("a listing is in the order of bytes, also across folders", async () => {
      const keys = ["a-b", "a.b", "a/b-c", "a/b.c", "a/b/c", "a/b/d/e", "a/b=", "a0", "a=", "B", "b", "_"];
      await fill(keys);
      expect(await store.list("")).toEqual({ keys: [...keys].sort(), isTruncated: false });
      expect((await store.list("", { after: "a.b" })).keys).toEqual([...keys].sort().slice(4));
    });

    check("a listing holds the keys with a prefix, which need not end a segment", async () => {
      await fill(["a", "ab.x", "ab/c", "abc/d", "b/ab"]);
      expect((await store.list("ab")).keys).toEqual(["ab.x", "ab/c", "abc/d"]);
      expect((await store.list("ab/")).keys).toEqual(["ab/c"]);
      expect((await store.list("abc/d")).keys).toEqual(["abc/d"]);
      expect((await store.list("x/y")).keys).toEqual([]);
    });

    check("a listing begins after a key, which need not exist", async () => {
      await fill(["a/1", "a/2", "a/3/x", "a/4"]);
      expect((await store.list("a/", { after: "a/2" })).keys).toEqual(["a/3/x", "a/4"]);
      expect((await store.list("a/", { after: "a/22" })).keys).toEqual(["a/3/x", "a/4"]);
      expect((await store.list("a/", { after: "a/3" })).keys).toEqual(["a/3/x", "a/4"]);
      expect((await store.list("a/", { after: "0" })).keys).toHaveLength(4);
      expect((await store.list("a/", { after: "b" })).keys).toEqual([]);
    });

    check("a listing ends at the limit and says whether more keys follow", async () => {
      await fill(["a/1", "a/2", "b"]);
      expect(await store.list("a/", { limit: 1 })).toEqual({ keys: ["a/1"], isTruncated: true });
      expect(await store.list("a/", { limit: 2 })).toEqual({ keys: ["a/1", "a/2"], isTruncated: false });
    });

    check("a listing of more keys than fit one answer can be continued", async () => {
      const keys = Array.from({ length: 1100 }, (_, index) => `many/${index}.json`);
      await fill(keys);
      const first = await store.list("many/");
      expect(first).toEqual({ keys: [...keys].sort().slice(0, 1000), isTruncated: true });
      const all: string[] = [];
      for await (const key of everyKey(store, "many/")) all.push(key);
      expect(all).toEqual([...keys].sort());
    });

    check("a listing refuses impossible prefixes, and limits out of range", async () => {
      for (const prefix of ["/", "../", "a//", "a/../", "a@", "a b"]) {
        await expect(store.list(prefix)).rejects.toThrow(RangeError);
        await expect(store.list("", { after: prefix })).rejects.toThrow(RangeError);
      }
      for (const limit of [0, 1001, 1.5, Number.NaN])
        await expect(store.list("", { limit })).rejects.toThrow(RangeError);
    });
  });

  describe("signed URLs", () => {
    check("signed URLs read the object, with its stored content type or another", async () => {
      await store.put("a/b.json", bytes("{}"), { contentType: "application/json" });
      const url = await store.signedUrl("a/b.json", { expiresInSeconds: 60 });
      expect(await subject.fetch(url)).toEqual({ body: bytes("{}"), contentType: "application/json" });
      const other = await store.signedUrl("a/b.json", { expiresInSeconds: 60, contentType: "text/plain" });
      expect((await subject.fetch(other))?.contentType).toBe("text/plain");
      await store.put("a/c", bytes("{}"));
      const untyped = await store.signedUrl("a/c", { expiresInSeconds: 60 });
      expect((await subject.fetch(untyped))?.contentType).toBe("application/octet-stream");
    });

    check("signed URLs read nothing but what was signed", async () => {
      for (const key of ["a", "b"]) await store.put(key, bytes(key));
      const url = await store.signedUrl("a", { expiresInSeconds: 60, contentType: "video/mp4" });
      const changes: [string, string][] = [
        ["/a?", "/b?"],
        ["video%2Fmp4", "text%2Fhtml"],
        [/signature=./i.exec(url)![0], "Signature=_"],
        ["xpires=", "xpires=9"],
      ];
      for (const [from, to] of changes) {
        expect(url).toContain(from);
        expect(await subject.fetch(url.replace(from, to))).toBeNull();
      }
      expect(await subject.fetch(url)).not.toBeNull();
    });

    check("signed URLs read nothing once they have expired", async () => {
      await store.put("a", bytes("1"));
      const url = await store.signedUrl("a", { expiresInSeconds: 1 });
      await subject.advance(2);
      expect(await subject.fetch(url)).toBeNull();
    });

    check("signed URLs refuse lifetimes and types that are not allowed", async () => {
      for (const expiresInSeconds of [0, 604_801, 1.5])
        await expect(store.signedUrl("a", { expiresInSeconds })).rejects.toThrow(RangeError);
      const contentType = "text/html\r\nx: y";
      await expect(store.signedUrl("a", { expiresInSeconds: 1, contentType })).rejects.toThrow(RangeError);
      await expect(store.put("a", bytes("1"), { contentType })).rejects.toThrow(RangeError);
    });
  });
}
