import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe } from "vitest";
import { openFolderStore, urlSigner } from "../../../lib/service/storage/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { objectStoreContract, type Subject } from "./object-store.contract.ts";

let parent: string;
let folders = 0;

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), "adareel-storage-"));
});
afterAll(() => rm(parent, { recursive: true }));

/** Opens a store in a new folder, whose URLs are answered like by a server. */
async function open(): Promise<Subject> {
  let nowMs = 1_700_000_000_000;
  const clock = { now: () => nowMs };
  const signer = urlSigner({ baseUrl: "http://store.test", secret: Buffer.from("secret"), clock });
  folders += 1;
  const store = await openFolderStore(join(parent, String(folders)), {
    signUrl: signer.sign,
    random: system.random,
  });
  return {
    store,
    async advance(seconds) {
      nowMs += seconds * 1000;
    },
    async fetch(url) {
      const { pathname, searchParams } = new URL(url);
      const key = pathname.slice("/files/".length);
      const checked = signer.verify(key, searchParams);
      const object = checked.ok ? await store.openObject(key) : null;
      if (!checked.ok || object === null) return null;
      const body = new Uint8Array(await buffer(object.stream()));
      return { body, contentType: checked.contentType ?? object.contentType };
    },
  };
}

describe("a folder store", () => objectStoreContract(open));
