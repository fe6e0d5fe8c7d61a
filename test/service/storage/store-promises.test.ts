import { randomBytes, randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  checkStorePromises,
  type ObjectStore,
  openStore,
  StoreError,
} from "../../../lib/service/storage/index.ts";
import { s3ClientFromEnvironment, s3Store } from "../../../lib/service/storage/s3-store.ts";
import { type S3StubOptions, startS3Stub } from "../../s3-stub/s3-stub.ts";
import { memoryStore } from "../jobs/memory-store.ts";

const check = (store: ObjectStore) => checkStorePromises(store, randomBytes);

/** Makes a store in memory that answers some operations in another way. */
function breaking(change: (store: ObjectStore) => Partial<ObjectStore>): ObjectStore {
  const store = memoryStore();
  return { ...store, ...change(store) };
}

const later = () => new Promise((resolve) => setImmediate(resolve));

/** Stores that break one promise each, by the beginning of what is said of them. */
const BROKEN: Readonly<Record<string, ObjectStore>> = {
  "The store created an object a second time instead of refusing it (If-None-Match: *)": breaking(
    ({ put }) => ({ put: (key, body, { ifMatch } = {}) => put(key, body, { ifMatch: ifMatch as string }) }),
  ),
  "The store refused to create an object that was not there": breaking(({ put }) => ({
    put: async (key, body, options) =>
      options?.ifAbsent ? { ok: false, reason: "precondition_failed" } : put(key, body, options),
  })),
  "The store changed an object by a write that it refused": breaking(({ put }) => ({
    async put(key, body, options) {
      const result = await put(key, body, options);
      if (!result.ok) await put(key, body);
      return result;
    },
  })),
  "The store created one object for several writers at once": breaking(({ get, put }) => ({
    async put(key, body, options) {
      if (!options?.ifAbsent) return put(key, body, options);
      const isThere = (await get(key)) !== null;
      await later();
      return isThere ? { ok: false, reason: "precondition_failed" } : put(key, body);
    },
  })),
  "The store refused to replace the version that it had (If-Match)": breaking(({ put }) => ({
    put: async (key, body, options) =>
      options?.ifMatch !== undefined ? { ok: false, reason: "precondition_failed" } : put(key, body, options),
  })),
  "The store replaced a version that was no longer there instead of refusing it (If-Match)": breaking(
    ({ put }) => ({ put: (key, body, options) => put(key, body, options?.ifAbsent ? options : {}) }),
  ),
  "The store replaced an object that was not there instead of refusing it (If-Match)": breaking(
    ({ get, put }) => ({
      put: async (key, body, options) =>
        options?.ifMatch !== undefined && !(await get(key)) ? put(key, body) : put(key, body, options),
    }),
  ),
  "The store replaced one version for several writers at once": breaking(({ get, put }) => ({
    async put(key, body, options) {
      if (options?.ifMatch === undefined) return put(key, body, options);
      const isIt = (await get(key))?.etag === options.ifMatch;
      await later();
      return isIt ? put(key, body) : { ok: false, reason: "precondition_failed" };
    },
  })),
  "The store gave two versions of an object one ETag": breaking(({ get, put }) => ({
    async get(key) {
      const object = await get(key);
      return object && { ...object, etag: "one" };
    },
    async put(key, body, { ifMatch, ...options } = {}) {
      const seen = key.endsWith("replace") && ifMatch === "one" ? (await get(key))?.etag : ifMatch;
      const isStale = new TextDecoder().decode(body) === "stale";
      if (isStale) return { ok: false, reason: "precondition_failed" };
      const result = await put(key, body, { ...options, ...(seen !== undefined && { ifMatch: seen }) });
      return result.ok ? { ok: true, etag: "one" } : result;
    },
  })),
  "The store did not read what was written just before": breaking(({ get, put }) => {
    const hidden = new Set<string>();
    return {
      get: async (key) => (hidden.delete(key) ? null : get(key)),
      put(key, ...rest) {
        if (!rest[1]?.ifAbsent) hidden.add(key);
        return put(key, ...rest);
      },
    };
  }),
  "The store did not list what was written, in order": breaking(({ list }) => ({
    async list(prefix, options) {
      const listing = await list(prefix, options);
      return { ...listing, keys: listing.keys.toReversed() };
    },
  })),
  "The store did not list what sorts after a key": breaking(({ list }) => ({
    list: (prefix, { after: _, ...options } = {}) => list(prefix, options),
  })),
  "The store did not tell that a listing has more pages": breaking(({ list }) => ({
    list: async (...args) => ({ ...(await list(...args)), isTruncated: false }),
  })),
  "The store read an object that was deleted just before": breaking(() => ({ delete: async () => true })),
  "The store failed a write on a condition (The bucket b answers with an error (501 NotImplemented); try again)":
    breaking(({ put }) => ({
      put(key, body, options) {
        const sentence = "The bucket b answers with an error (501 NotImplemented); try again.";
        return options?.ifAbsent
          ? Promise.reject(new StoreError("unavailable", sentence))
          : put(key, body, options);
      },
    })),
};

describe("the check of a store at the start", () => {
  for (const [sentence, store] of Object.entries(BROKEN)) {
    it(`a store is refused with the promise that it breaks: ${sentence}`, async () => {
      const advice = "so jobs could be lost or made twice: use a server that docs/object-stores.md lists.";
      await expect(check(store)).rejects.toThrow(`${sentence}, ${advice}`);
    });
  }

  it("a store that lists what was deleted is refused", async () => {
    const store = breaking(({ list, delete: remove }) => {
      const gone = new Set<string>();
      return {
        async delete(key) {
          gone.add(key);
          return remove(key);
        },
        async list(prefix, options) {
          const listing = await list(prefix, options);
          const keys = [...gone].filter((key) => key.startsWith(prefix));
          return { ...listing, keys: [...keys, ...listing.keys] };
        },
      };
    });
    await expect(check(store)).rejects.toThrow("The store listed an object that was deleted just before, so");
  });

  it("a store that keeps its promises passes, and nothing of the check stays in it", async () => {
    const store = memoryStore();
    await check(store);
    expect([...store.objects.keys()]).toEqual([]);
  });

  it("a store that answers conditional writes with a conflict at first passes", async () => {
    let conflicts = 2;
    const store = breaking(({ put }) => ({
      async put(...args) {
        if (!args[2]?.ifAbsent || conflicts === 0) return put(...args);
        conflicts -= 1;
        return { ok: false, reason: "conflict" };
      },
    }));
    await check(store);
    expect(conflicts).toBe(0);
  });

  it("a folder passes", async () => {
    const folder = await mkdtemp(join(tmpdir(), "adareel-promises-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    await check(await openStore(folder, { signUrl: () => "" }));
  });
});

/** Opens the store in a bucket of a stub of S3. */
async function openStub(options: S3StubOptions = {}) {
  const stub = await startS3Stub(options);
  onTestFinished(() => stub.close());
  const client = await s3ClientFromEnvironment(stub.env);
  client.config.credentials = async () => ({ accessKeyId: "stub", secretAccessKey: "stub" });
  return { stub, store: s3Store({ client, bucket: "videos", prefix: "a/" }) };
}

describe("the check of a bucket at the start", () => {
  it("a bucket passes with less than a hundred requests, and nothing of the check stays in it", async () => {
    const { stub, store } = await openStub();
    await check(store);
    expect(stub.requests.length).toBeLessThan(100);
    expect([...stub.objects.keys()]).toEqual([]);
  });

  it("a bucket whose server ignores conditions is refused", async () => {
    const { store } = await openStub({
      fault({ headers }) {
        delete headers["if-none-match"];
        delete headers["if-match"];
        return undefined;
      },
    });
    await expect(check(store)).rejects.toThrow(/^The store (created|replaced) .* instead of refusing it/);
  });

  it("a bucket that is missing, and credentials that are refused, get their own sentences", async () => {
    const missing = await openStub({ buckets: [] });
    await expect(check(missing.store)).rejects.toMatchObject({ code: "missing_bucket" });
    const denied = await openStub({ fault: () => ({ status: 403, code: "AccessDenied" }) });
    await expect(check(denied.store)).rejects.toMatchObject({ code: "denied" });
  });

  it.each(["10.0.0.5:9000", "localhost:9000", "http://"])(
    "%s as an endpoint gets its own sentence",
    async (url) => {
      const message = "AWS_ENDPOINT_URL_S3 must be a URL such as http://10.0.0.5:9000.";
      await expect(s3ClientFromEnvironment({ AWS_ENDPOINT_URL_S3: url })).rejects.toThrow(message);
    },
  );
});

const endpoint = process.env.ADAREEL_S3_ENDPOINT;
/** Titles of checks that the server is known to fail, separated by semicolons. */
const lacks = process.env.ADAREEL_S3_LACKS?.split(";") ?? [];
if (!endpoint) console.log("no ADAREEL_S3_ENDPOINT: the check at the start is not tried with an S3 server");

describe.runIf(endpoint)("the check of an S3 server at the start", () => {
  const passes = "a server that passes the contract passes the check";
  it.skipIf(lacks.includes(passes))(passes, async () => {
    const client = await s3ClientFromEnvironment({ ...process.env, AWS_ENDPOINT_URL_S3: endpoint });
    const bucket = `adareel-test-${randomUUID()}`;
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    const store = s3Store({ client, bucket });
    const begin = performance.now();
    await check(store);
    console.log(`the check took ${Math.round(performance.now() - begin)} ms`);
    expect(await store.list("")).toEqual({ keys: [], isTruncated: false });
    client.destroy();
  });
});
