import { randomUUID } from "node:crypto";
import { link, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemFiles } from "../../../lib/service/storage/file-system.ts";
import { openFolderStore } from "../../../lib/service/storage/index.ts";
import { EARLIER_MAX, Versions } from "../../../lib/service/storage/versions.ts";
import { system } from "../../../lib/shared/system.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

async function openStore() {
  const folder = temporaryFolder();
  const store = await openFolderStore(folder, { signUrl: () => "", random: system.random });
  const objects = join(folder, "objects");
  const versions = new Versions({ files: systemFiles, random: system.random, root: objects });
  return {
    store,
    folder,
    versions,
    objectFolder: join(objects, "a@"),
    draft: join(folder, "tmp", "draft"),
    textAt: async (key: string) => Buffer.from((await store.get(key))?.body ?? "absent").toString(),
    /** A version that is written and not yet linked. */
    async written(text: string, etag = "written"): Promise<string> {
      const path = join(folder, "tmp", randomUUID());
      await versions.write(path, { etag, contentType: "text/plain", earlier: [] }, bytes(text));
      return path;
    },
  };
}

describe("a writer that slept after it looked", () => {
  test("has lost if clean-up has freed the number that it takes", async () => {
    const { versions, store, objectFolder, textAt, written } = await openStore();
    await store.put("a", bytes("1"));
    const seen = await versions.newest(objectFolder);
    for (const text of ["2", "3", "4"]) await store.put("a", bytes(text));
    expect(await versions.linkNext(seen!, await written("stale"), "written")).toBe("lost");
    expect(await textAt("a")).toBe("4");
    expect(await readdir(seen!.folder)).toEqual(["4"]);
  });

  test("has lost if the object was deleted and created again, though the number is free", async () => {
    const { versions, store, objectFolder, textAt, written } = await openStore();
    await store.put("a", bytes("1"));
    const seen = await versions.newest(objectFolder);
    await store.delete("a");
    await store.put("a", bytes("new"));
    expect((await versions.newest(objectFolder))!.number).toBe(seen!.number);
    expect(await versions.linkNext(seen!, await written("stale"), "written")).toBe("lost");
    expect(await textAt("a")).toBe("new");
  });

  test("has lost if the object exists that it wanted to create", async () => {
    const { versions, store, objectFolder, draft, textAt, written } = await openStore();
    const path = await written("stale");
    await store.put("a", bytes("1"));
    expect(await versions.linkFirst(objectFolder, path, draft)).toBe(false);
    expect(await textAt("a")).toBe("1");
  });
});

describe("a writer that slept after it took a number", () => {
  /** Takes number 2, and wakes up when so many others have written after it. */
  async function overtakenBy(followers: number, etag: string | null) {
    const opened = await openStore();
    const { store, versions, objectFolder, written } = opened;
    await store.put("a", bytes("1"));
    const seen = (await versions.newest(objectFolder))!;
    const path = await written("2");
    await link(path, join(seen.folder, "2"));
    for (let at = 0; at < followers; at += 1) await store.put("a", bytes(`${3 + at}`));
    // Its number is free again, so it does the same once more, and goes on from there.
    return { ...opened, outcome: await versions.linkNext(seen, path, etag) };
  }

  test.each([1, 2, EARLIER_MAX])(
    "has won if it was seen by the first of %i that followed",
    async (followers) => {
      const { outcome, versions, textAt, objectFolder } = await overtakenBy(followers, "written");
      expect(outcome).toBe("done");
      expect(await textAt("a")).toBe(`${2 + followers}`);
      const { folder, number } = (await versions.newest(objectFolder))!;
      expect(await readdir(folder)).toEqual([`${number}`]);
    },
  );

  test("has lost if another version had that number", async () => {
    expect(await overtakenBy(3, "another")).toMatchObject({ outcome: "lost" });
  });

  test("does not know if more have followed than are named", async () => {
    expect(await overtakenBy(EARLIER_MAX + 1, "written")).toMatchObject({ outcome: "unknown" });
  });

  test("does not know if the object was deleted", async () => {
    const { versions, store, objectFolder, folder, written } = await openStore();
    await store.put("a", bytes("1"));
    const seen = (await versions.newest(objectFolder))!;
    const path = await written("2");
    await link(join(folder, "deleted"), join(seen.folder, "3"));
    expect(await versions.linkNext(seen, path, "written")).toBe("unknown");
  });
});

describe("a process killed", () => {
  test("after it took a number that clean-up had freed changes nothing", async () => {
    const { versions, store, objectFolder, textAt, written } = await openStore();
    for (const text of ["1", "2", "3"]) await store.put("a", bytes(text));
    const { folder } = (await versions.newest(objectFolder))!;
    await link(await written("stale"), join(folder, "2"));
    expect(await textAt("a")).toBe("3");
    await store.put("a", bytes("4"));
    expect(await readdir(folder)).toEqual(["4"]);
  });

  test("before it cleaned up leaves work to the next writer", async () => {
    const { versions, store, objectFolder, textAt, written } = await openStore();
    await store.put("a", bytes("1"));
    const { folder } = (await versions.newest(objectFolder))!;
    await link(await written("2"), join(folder, "2"));
    expect(await textAt("a")).toBe("2");
    await store.put("a", bytes("3"));
    expect(await readdir(folder)).toEqual(["3"]);
  });

  test("in the middle of a deletion leaves a key that is absent, and can be created and deleted", async () => {
    for (const again of ["create", "delete"]) {
      for (const isMovedAway of [false, true]) {
        const { versions, store, folder, objectFolder, textAt } = await openStore();
        await store.put("a", bytes("1"));
        const { folder: incarnation } = (await versions.newest(objectFolder))!;
        await link(join(folder, "deleted"), join(incarnation, "2"));
        if (isMovedAway) await rename(incarnation, join(folder, "tmp", "trash"));
        expect(await store.get("a")).toBeNull();
        expect(await store.openObject("a")).toBeNull();
        if (again === "create") {
          expect(await store.put("a", bytes("2"), { ifAbsent: true })).toMatchObject({ ok: true });
          expect(await textAt("a")).toBe("2");
        } else {
          expect(await store.delete("a")).toBe(true);
          expect((await store.list("")).keys).toEqual([]);
        }
      }
    }
  });

  test("before it renamed what it created leaves nothing in the way", async () => {
    const { store, folder, objectFolder } = await openStore();
    await mkdir(join(folder, "tmp", "draft", randomUUID()), { recursive: true });
    expect(await store.get("a")).toBeNull();
    expect(await store.put("a", bytes("1"), { ifAbsent: true })).toMatchObject({ ok: true });
    await rm(objectFolder, { recursive: true });
    expect(await store.get("a")).toBeNull();
  });
});
