import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { describe, expect, onTestFinished, test } from "vitest";
import { apiKeys } from "../../../lib/service/keys/index.ts";
import { openFolderStore } from "../../../lib/service/storage/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const openStore = (folder: string) => openFolderStore(folder, { signUrl: () => "", random: system.random });
const isRoot = process.getuid?.() === 0;

/** Mounts a disk of 1 MiB; null if this process may not mount one. */
function tinyDisk(): string | null {
  const folder = join(temporaryFolder(), "disk");
  mkdirSync(folder);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return null;
  }
  onTestFinished(() => {
    execFileSync("umount", [folder]);
    rmdirSync(folder);
  });
  return folder;
}

describe("a disk that is full", () => {
  test("a full disk is an error that says so, changes nothing, and can be cleared", async ({ skip }) => {
    const folder = tinyDisk();
    if (folder === null) return skip("a disk that is full: this process may not mount a small one");
    const store = await openStore(folder);
    const kept = new Uint8Array(400_000).fill(1);
    await store.put("a", kept);
    const large = new Uint8Array(900_000).fill(2);
    for (const put of [() => store.put("a", large), () => store.put("b/c", large, { ifAbsent: true })]) {
      await expect(put()).rejects.toMatchObject({
        name: "StoreError",
        code: "full",
        message: `The data folder ${folder} is full; free some space.`,
      });
    }
    expect(Buffer.from((await store.get("a"))!.body).equals(kept)).toBe(true);
    expect(await store.list("")).toEqual({ keys: ["a"], isTruncated: false });
    expect(readdirSync(join(folder, "tmp"))).toEqual([]);
    const rest = join(folder, "rest");
    expect(() => writeFileSync(rest, large)).toThrow(/ENOSPC/);
    await store.delete("a");
    expect(await store.put("b/c", kept)).toMatchObject({ ok: true });
  });
});

describe("opening", () => {
  test("an open refuses a folder that cannot be made", async () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, "file"), "");
    for (const path of [join(folder, "file"), join(folder, "file", "below")]) {
      await expect(openStore(path)).rejects.toMatchObject({ name: "StoreError", code: "denied" });
      await expect(openStore(path)).rejects.toThrow(/ is not a folder.*; choose another one\.$/);
    }
  });

  test.skipIf(isRoot)("an open refuses a folder that may not be written", async () => {
    const folder = temporaryFolder();
    chmodSync(folder, 0o500);
    await expect(openStore(folder)).rejects.toMatchObject({ name: "StoreError", code: "denied" });
    chmodSync(folder, 0o700);
    const store = await openStore(folder);
    chmodSync(join(folder, "tmp"), 0o500);
    await expect(store.put("a", new Uint8Array())).rejects.toMatchObject({ code: "denied" });
    await expect(openStore(folder)).rejects.toMatchObject({ code: "denied" });
    chmodSync(join(folder, "tmp"), 0o700);
  });

  test("an open keeps existing objects", async () => {
    const folder = temporaryFolder();
    await (await openStore(folder)).put("a", Uint8Array.of(1, 2));
    expect((await (await openStore(folder)).get("a"))?.body).toEqual(Uint8Array.of(1, 2));
    expect(readdirSync(join(folder, "tmp"))).toEqual([]);
  });
});

describe("an open object", () => {
  test("an open object is read in ranges, also after it was replaced or deleted", async () => {
    const store = await openStore(temporaryFolder());
    const body = Uint8Array.from({ length: 10_000 }, (_, index) => index % 251);
    await store.put("a", body, { contentType: "video/mp4" });
    const etag = (await store.get("a"))!.etag;
    for (const change of [() => store.put("a", Uint8Array.of(1)), () => store.delete("a")]) {
      await store.put("a", body, { contentType: "video/mp4" });
      const opened = (await store.openObject("a"))!;
      const all = (await store.openObject("a"))!;
      await change();
      expect(opened).toMatchObject({ contentType: "video/mp4", sizeBytes: 10_000 });
      expect(opened.etag).not.toBe(etag);
      const middle = await buffer(opened.stream({ start: 4000, end: 4999 }));
      expect(middle.equals(Buffer.from(body.subarray(4000, 5000)))).toBe(true);
      expect((await buffer(all.stream())).equals(Buffer.from(body))).toBe(true);
    }
  });

  test("an open object is null where nothing is stored, and may be closed unread", async () => {
    const store = await openStore(temporaryFolder());
    expect(await store.openObject("a")).toBeNull();
    await expect(store.openObject("../a")).rejects.toThrow(RangeError);
    await store.put("a", new Uint8Array());
    const opened = (await store.openObject("a"))!;
    expect(opened.sizeBytes).toBe(0);
    expect((await buffer(opened.stream())).length).toBe(0);
    await (await store.openObject("a"))!.close();
  });
});

describe("a file that the disk has damaged", () => {
  const damages = ["no header at all", "{}\nbody", "null\n", '{"etag":1,"contentType":"a","earlier":[]}\n'];
  test.each(damages)(
    "an object whose file holds %j is read, replaced and deleted like others",
    async (text) => {
      const folder = temporaryFolder();
      const store = await openStore(folder);
      const damage = async () => {
        await store.put("a/b", new Uint8Array(3));
        const objects = join(folder, "objects/a");
        const [version] = readdirSync(objects, { recursive: true, withFileTypes: true }).filter((each) =>
          each.isFile(),
        );
        writeFileSync(join(version!.parentPath, version!.name), text);
      };
      await damage();
      expect(Buffer.from((await store.get("a/b"))!.body).toString()).toBe(text);
      await expect(store.put("a/b", new Uint8Array(1), { ifAbsent: true })).resolves.toMatchObject({
        ok: false,
      });
      await expect(store.put("a/b", new Uint8Array(1))).resolves.toMatchObject({ ok: true });
      expect((await store.get("a/b"))!.body).toHaveLength(1);
      await damage();
      await store.delete("a/b");
      expect(await store.get("a/b")).toBeNull();
      expect((await store.list("")).keys).toEqual([]);
    },
  );
});

describe("a folder that is deleted under a running store", () => {
  test.each(["removed", "empty"])(
    "a folder that is %s is an error, and not a store without objects",
    async (state) => {
      const folder = join(temporaryFolder(), "store");
      const store = await openStore(folder);
      await store.put("a/b", new Uint8Array(1));
      const away = `${folder}-away`;
      renameSync(folder, away);
      if (state === "empty") mkdirSync(folder);
      const operations = [
        () => store.get("a/b"),
        () => store.openObject("a/b"),
        () => store.list(""),
        () => store.list("a/"),
        () => store.put("a/c", new Uint8Array(1), { ifAbsent: true }),
      ];
      for (const operation of operations) {
        await expect(operation()).rejects.toMatchObject({
          name: "StoreError",
          code: "missing_bucket",
          message: `The data folder ${folder} is gone; put it back and start again.`,
        });
      }
      if (state === "empty") expect(readdirSync(folder)).toEqual([]);
      if (state === "empty") rmdirSync(folder);
      renameSync(away, folder);
      expect((await store.get("a/b"))!.body).toHaveLength(1);
      expect(await store.get("a/c")).toBeNull();
    },
  );

  test("a valid key is not called invalid when the folder of all keys is gone", async () => {
    const folder = join(temporaryFolder(), "store");
    const store = await openStore(folder);
    const keys = apiKeys({ store, ...system });
    const { key } = await keys.create({ tenant: "acme", name: "" });
    rmSync(folder, { recursive: true });
    await expect(keys.authenticate(key)).rejects.toMatchObject({ code: "missing_bucket" });
  });
});
