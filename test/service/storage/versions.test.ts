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

const versionOf = (text: string, etag: string) => ({
  header: { etag, contentType: "text/plain", earlier: [] },
  body: bytes(text),
});

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
    /** Writes a version without linking it, and returns its path. */
    async written(text: string, etag = "written"): Promise<string> {
      const path = join(folder, "tmp", randomUUID());
      await versions.write(path, versionOf(text, etag));
      return path;
    },
  };
}

describe("a writer that slept after it looked", () => {
  test("a late writer loses if clean-up has freed the number that it takes", async () => {
    const { versions, store, objectFolder, textAt, written } = await openStore();
    await store.put("a", bytes("1"));
    const seen = await versions.read(objectFolder);
    for (const text of ["2", "3", "4"]) await store.put("a", bytes(text));
    expect(await versions.linkNext(seen!, await written("stale"), "written")).toBe("lost");
    expect(await textAt("a")).toBe("4");
    expect(await readdir(seen!.folder)).toEqual(["4"]);
  });

  test("a late writer loses if the object was deleted and created again, though the number is free", async () => {
    const { versions, store, objectFolder, textAt, written } = await openStore();
    await store.put("a", bytes("1"));
    const seen = await versions.read(objectFolder);
    await store.delete("a");
    await store.put("a", bytes("new"));
    expect((await versions.read(objectFolder))!.number).toBe(seen!.number);
    expect(await versions.linkNext(seen!, await written("stale"), "written")).toBe("lost");
    expect(await textAt("a")).toBe("new");
  });

  test("a late writer loses if the object that it wants to create exists", async () => {
    const { versions, store, objectFolder, draft, textAt } = await openStore();
    await store.put("a", bytes("1"));
    expect(await versions.create(objectFolder, versionOf("stale", "late"), draft)).toBe(false);
    expect(await textAt("a")).toBe("1");
  });
});

describe("a writer that slept after it took a number", () => {
  /** Takes number 2, and continues after `followers` other versions have been written. */
  async function overtakenBy(followers: number, etag: string | null) {
    const opened = await openStore();
    const { store, versions, objectFolder, written } = opened;
    await store.put("a", bytes("1"));
    const seen = (await versions.read(objectFolder))!;
    const path = await written("2");
    await link(path, join(seen.folder, "2"));
    for (let at = 0; at < followers; at += 1) await store.put("a", bytes(`${3 + at}`));
    // Number 2 is free again, so `linkNext` links it once more and continues from there.
    return { ...opened, outcome: await versions.linkNext(seen, path, etag) };
  }

  test.each([1, 2, EARLIER_MAX])(
    "a writer that slept with its number wins if the first of %i followers saw it",
    async (followers) => {
      const { outcome, versions, textAt, objectFolder } = await overtakenBy(followers, "written");
      expect(outcome).toBe("done");
      expect(await textAt("a")).toBe(`${2 + followers}`);
      const { folder, number } = (await versions.read(objectFolder))!;
      expect(await readdir(folder)).toEqual([`${number}`]);
    },
  );

  test("a writer that slept with its number loses if another version had that number", async () => {
    expect(await overtakenBy(3, "another")).toMatchObject({ outcome: "lost" });
  });

  test("a writer that slept with its number has an unknown outcome after too many followers", async () => {
    expect(await overtakenBy(EARLIER_MAX + 1, "written")).toMatchObject({ outcome: "unknown" });
  });

  test("a writer that slept with its number has an unknown outcome if the object was deleted", async () => {
    const { versions, store, objectFolder, folder, written } = await openStore();
    await store.put("a", bytes("1"));
    const seen = (await versions.read(objectFolder))!;
    const path = await written("2");
    await link(join(folder, "deleted"), join(seen.folder, "3"));
    expect(await versions.linkNext(seen, path, "written")).toBe("unknown");
  });
});

describe("a process killed", () => {
  test("a process killed after it took a freed number changes nothing", async () => {
    const { versions, store, objectFolder, textAt, written } = await openStore();
    for (const text of ["1", "2", "3"]) await store.put("a", bytes(text));
    const { folder } = (await versions.read(objectFolder))!;
    await link(await written("stale"), join(folder, "2"));
    expect(await textAt("a")).toBe("3");
    await store.put("a", bytes("4"));
    expect(await readdir(folder)).toEqual(["4"]);
  });

  test("a process killed before its clean-up leaves the work to the next writer", async () => {
    const { versions, store, objectFolder, textAt, written } = await openStore();
    await store.put("a", bytes("1"));
    const { folder } = (await versions.read(objectFolder))!;
    await link(await written("2"), join(folder, "2"));
    expect(await textAt("a")).toBe("2");
    await store.put("a", bytes("3"));
    expect(await readdir(folder)).toEqual(["3"]);
  });

  test("a process killed in a deletion leaves an absent key that can be created and deleted", async () => {
    for (const again of ["create", "delete"]) {
      for (const isMovedAway of [false, true]) {
        const { versions, store, folder, objectFolder, textAt } = await openStore();
        await store.put("a", bytes("1"));
        const { folder: incarnation } = (await versions.read(objectFolder))!;
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

  test("a process killed before its rename leaves nothing that blocks a creation", async () => {
    const { store, folder, objectFolder } = await openStore();
    await mkdir(join(folder, "tmp", "draft", randomUUID()), { recursive: true });
    expect(await store.get("a")).toBeNull();
    expect(await store.put("a", bytes("1"), { ifAbsent: true })).toMatchObject({ ok: true });
    await rm(objectFolder, { recursive: true });
    expect(await store.get("a")).toBeNull();
  });
});
