import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type FileSystem, systemFiles } from "../../../lib/service/storage/file-system.ts";
import { openFolderStore } from "../../../lib/service/storage/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const LANES = ["0", "1", "2"];
const ROUNDS = 60;
const one = Uint8Array.of(1);

const openStore = (folder: string, files?: FileSystem) =>
  openFolderStore(folder, { signUrl: () => "", random: system.random, ...(files && { files }) });

/** Opens a store in which calls for the objects' folders fail while there are `faults` left. */
async function disturbed(name: "mkdir" | "rename" | "readdir" | "open" | "rmdir", code: string) {
  const folder = temporaryFolder();
  const left = { faults: 0 };
  const store = await openStore(folder, {
    ...systemFiles,
    async [name](...args: string[]) {
      const isObjects = args.some((path) => String(path).startsWith(join(folder, "objects", "q")));
      if (isObjects && left.faults-- > 0) throw Object.assign(new Error(code), { code, syscall: name });
      return (systemFiles[name] as (...all: string[]) => Promise<unknown>)(...args);
    },
  });
  return { store, left };
}

// Node's recursive `mkdir` fails with either code if a folder that it found or made is removed meanwhile.
test.each([
  ["mkdir", "ENOENT"],
  ["mkdir", "ENOTDIR"],
  ["rename", "ENOENT"],
] as const)(
  "a creation succeeds though a neighbour removes its empty folder: %s fails with %s",
  async (name, code) => {
    const { store, left } = await disturbed(name, code);
    left.faults = 5;
    expect(await store.put("q/p/0", one, { ifAbsent: true })).toMatchObject({ ok: true });
    expect((await store.list("")).keys).toEqual(["q/p/0"]);
    expect((await store.get("q/p/0"))?.body).toEqual(one);
  },
);

test.each([
  ["rmdir", "ENOENT"],
  ["rmdir", "ENOTEMPTY"],
  ["open", "ENOENT"],
] as const)(
  "a deletion succeeds though a neighbour acts in the same folder: %s fails with %s",
  async (name, code) => {
    const { store, left } = await disturbed(name, code);
    await store.put("q/p/0", one);
    left.faults = 1;
    expect(await store.delete("q/p/0")).toBe(true);
    left.faults = 0;
    expect(await store.get("q/p/0")).toBeNull();
  },
);

test.each(["ENOENT", "ENOTDIR"])("a listing goes on if readdir fails with %s", async (code) => {
  const { store, left } = await disturbed("readdir", code);
  for (const key of ["a", "q/p/0", "z"]) await store.put(key, one);
  left.faults = 1;
  expect((await store.list("")).keys).toEqual(["a", "z"]);
});

test("neighbours that create and delete under one folder never disturb each other", async () => {
  const store = await openStore(temporaryFolder());
  const lane = async (name: string) => {
    for (let round = 0; round < ROUNDS; round += 1) {
      expect(await store.put(`q/p/${name}`, one, { ifAbsent: true })).toMatchObject({ ok: true });
      expect(await store.delete(`q/p/${name}`)).toBe(true);
    }
  };
  await Promise.all(LANES.map(lane));
  expect((await store.list("")).keys).toEqual([]);
});

test("a creation says so if a file stands where its folder should be", async () => {
  const folder = temporaryFolder();
  const store = await openStore(folder);
  mkdirSync(join(folder, "objects", "q"));
  writeFileSync(join(folder, "objects", "q", "p"), "");
  await expect(store.put("q/p/0", one)).rejects.toMatchObject({ code: "denied" });
});
