import { execFile } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { apiKeys, isOpenToOthers, openMasterKey, SecretError } from "../../../lib/service/keys/index.ts";
import type { ObjectStore } from "../../../lib/service/storage/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { memoryStore } from "../jobs/memory-store.ts";

let folder: string;
let path: string;
let store: ObjectStore;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "master-key-"));
  path = join(folder, "master.key");
  store = memoryStore();
});

const openKey = (at = path, options: { mayReplace?: boolean; replaceSetting?: string } = {}) =>
  openMasterKey(at, { store, random: system.random, ...options });
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the first use makes 32 bytes, and every later one reads them", async () => {
  const key = await openKey();
  expect(key).toHaveLength(32);
  expect(await openKey()).toEqual(key);
  expect(readFileSync(path)).toEqual(key);
  expect(readdirSync(folder)).toEqual(["master.key"]);
  store = memoryStore();
  expect(await openKey(join(folder, "other"))).not.toEqual(key);
});

test.skipIf(process.platform === "win32")("only its owner may read the master key", async () => {
  await openKey();
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(await isOpenToOthers(path)).toBe(false);
  chmodSync(path, 0o640);
  expect(await isOpenToOthers(path)).toBe(true);
});

test("many concurrent starts get one master key", async () => {
  const keys = await Promise.all(Array.from({ length: 50 }, () => openKey()));
  expect(new Set(keys.map((key) => Buffer.from(key).toString("hex"))).size).toBe(1);
  expect(readdirSync(folder)).toEqual(["master.key"]);
});

test("three processes that start at once get one master key, a hundred times", async () => {
  const script = `
    const { openMasterKey } = await import("${new URL("../../../lib/service/keys/index.ts", import.meta.url)}");
    const { openStore } = await import("${new URL("../../../lib/service/storage/index.ts", import.meta.url)}");
    const { system } = await import("${new URL("../../../lib/shared/system.ts", import.meta.url)}");
    const keys = [];
    for (let round = 0; round < 100; round++) {
      const store = await openStore(${JSON.stringify(folder)} + "/store-" + round, { signUrl: String });
      const key = await openMasterKey(${JSON.stringify(folder)} + "/" + round, { ...system, store });
      keys.push(Buffer.from(key).toString("hex"));
    }
    console.log(keys.join(" "));`;
  const run = () =>
    promisify(execFile)(process.execPath, [
      "--import",
      import.meta.resolve("tsx"),
      "--input-type=module",
      "-e",
      script,
    ]);
  const outputs = (await Promise.all([run(), run(), run()])).map(({ stdout }) => stdout);
  expect(
    outputs[0]!
      .trim()
      .split(" ")
      .filter((key) => /^[0-9a-f]{64}$/.test(key)),
  ).toHaveLength(100);
  expect(new Set(outputs).size).toBe(1);
  expect(readdirSync(folder).filter((name) => !name.startsWith("store-"))).toHaveLength(100);
});

test.each([0, 31, 33])("a key file of %d bytes is refused, and stays unchanged", async (count) => {
  writeFileSync(path, Buffer.alloc(count));
  const opened = openKey();
  await expect(opened).rejects.toThrow(SecretError);
  await expect(opened).rejects.toThrow(
    `${path} has ${count} bytes instead of 32: put the right file back from a backup.`,
  );
  await expect(openKey(path, { replaceSetting: "NEW_MASTER_KEY=1" })).rejects.toThrow(
    "from a backup, or delete it and start once with NEW_MASTER_KEY=1 to go on without it.",
  );
  expect(statSync(path).size).toBe(count);
});

test("a missing folder, and a folder in the file's place, are errors that name the path", async () => {
  for (const wrong of [join(folder, "missing", "key"), folder]) {
    const opened = openKey(wrong);
    await expect(opened).rejects.toThrow(SecretError);
    await expect(opened).rejects.toThrow(`Cannot open the master key ${wrong}: `);
  }
  expect(readdirSync(folder)).toEqual([]);
});

test.skipIf(process.getuid?.() === 0)(
  "a folder without permission is an error that leaves nothing",
  async () => {
    const closed = join(folder, "closed");
    mkdirSync(closed, { mode: 0o500 });
    await expect(openKey(join(closed, "key"))).rejects.toThrow(SecretError);
    expect(readdirSync(closed)).toEqual([]);
    chmodSync(closed, 0o700);
  },
);

describe("a store that was used", () => {
  const other = new Uint8Array(32).fill(7);
  const setting = { replaceSetting: "NEW_MASTER_KEY=1" };

  test("a lost key of a used store is not replaced: the error says what to put back, and how to start over", async () => {
    await openKey();
    rmSync(path);
    const opened = openKey(path, setting);
    await expect(opened).rejects.toThrow(SecretError);
    await expect(opened).rejects.toThrow(
      `The master key ${path} is missing, but the store has objects whose secrets need it: put the file back from ` +
        "a backup or another machine of the service, or start once with NEW_MASTER_KEY=1 to go on without it.",
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a lost key is not replaced either where an earlier version used the store and kept no fingerprint", async () => {
    await store.put("jobs/acme/video_1.json", new Uint8Array());
    await expect(openKey()).rejects.toThrow(SecretError);
  });

  test("API keys that were made before the first start need no master key", async () => {
    await apiKeys({ store, ...system }).create({ tenant: "acme", name: "" });
    expect(await openKey()).toHaveLength(32);
  });

  test("another key in the place of the right one is refused, and the right one is taken again", async () => {
    const key = await openKey();
    writeFileSync(path, other);
    await expect(openKey(path, setting)).rejects.toThrow(
      `The master key ${path} is not the one that this store was used with: put the right file back from a backup or ` +
        "another machine of the service, or start once with NEW_MASTER_KEY=1 to go on without it.",
    );
    writeFileSync(path, key);
    expect(await openKey()).toEqual(key);
  });

  test("a start that may replace the key makes one, keeps it, and refuses the old one from then on", async () => {
    const old = await openKey();
    rmSync(path);
    const key = await openKey(path, { mayReplace: true });
    expect(key).not.toEqual(old);
    expect(await openKey()).toEqual(key);
    writeFileSync(path, old);
    await expect(openKey()).rejects.toThrow(SecretError);
  });

  test("a start that may replace the key keeps the right one", async () => {
    const key = await openKey();
    expect(await openKey(path, { mayReplace: true })).toEqual(key);
  });

  test("a key whose fingerprint was not kept yet, as after a crash or an update, is taken", async () => {
    writeFileSync(path, other);
    await store.put("jobs/acme/video_1.json", new Uint8Array());
    expect(await openKey()).toEqual(Buffer.from(other));
  });

  test("the store keeps neither the key nor a part of it, and only its fingerprint", async () => {
    const key = Buffer.from(await openKey());
    for (const name of (await store.list("")).keys) {
      const { body } = (await store.get(name))!;
      expect(Buffer.from(body).equals(key)).toBe(false);
      expect(body).toHaveLength(32);
    }
  });
});
