import { existsSync, readdirSync } from "node:fs";
import { mkdir, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { FileSystem } from "../../../lib/service/storage/file-system.ts";
import { openFolderStore } from "../../../lib/service/storage/index.ts";
import { placeOf } from "../../../lib/service/storage/layout.ts";
import { system } from "../../../lib/shared/system.ts";
import { Disk } from "../../sim/disk.ts";
import { SeededRandom } from "../../sim/seeded-random.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const openStore = (folder: string) => openFolderStore(folder, { signUrl: () => "", random: system.random });
const record = (time: string) => `jobs/t/video_${time.padEnd(26, "0")}.json`;
const one = Uint8Array.of(1);

test("names of a word, a time and an extension are spread over folders, and no others", () => {
  expect(placeOf("jobs/t/video_7yabcdefgh0123456789jkmnpq.json")).toBe(
    "jobs/t/video_7yab+/cd+/ef+/gh0123456789jkmnpq.json@",
  );
  for (const key of [
    "unfinished/t/k/video_7yabcdefgh0123456789jkmnpq",
    "artifacts/t/video_7yabcdefgh0123456789jkmnpq/1/video.mp4",
    "jobs/t/video_7yabcdefgh0123456789jkmnp.json",
    "jobs/t/7yabcdefgh0123456789jkmnpq.json",
  ])
    expect(placeOf(key)).toBe(`${key}@`);
});

const digits = fc.array(fc.constantFrom("0", "1"), { minLength: 4, maxLength: 4 });
const key = fc.oneof(
  { weight: 4, arbitrary: digits.map(([a, b, c, d]) => record(`000${a}0${b}0${c}${d}`)) },
  fc.constantFrom(
    ...["", ".json", "/x", "-x", "0", "00", "0000", "0000.json", "00/x", "1", "z"].map(
      (end) => `jobs/t/video_0000${end}`,
    ),
    record("0000").slice(0, -".json".length),
    "jobs/t",
    "jobs/t-",
  ),
);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("put" as const), key }) },
  fc.record({ kind: fc.constant("delete" as const), key }),
  fc.record({
    kind: fc.constant("list" as const),
    prefix: fc.tuple(key, fc.nat(50)).map(([text, length]) => text.slice(0, length)),
    after: fc.tuple(key, fc.nat(50)).map(([text, length]) => text.slice(0, length)),
    limit: fc.integer({ min: 1, max: 6 }),
  }),
);

test("keys that are spread over folders are listed as if they were not", async () => {
  const parent = temporaryFolder();
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 50 }), async (steps) => {
      runs += 1;
      const folder = join(parent, String(runs));
      const store = await openStore(folder);
      const keys = new Set<string>();
      for (const each of steps) {
        if (each.kind === "put") {
          await store.put(each.key, one);
          keys.add(each.key);
        } else if (each.kind === "delete") {
          await store.delete(each.key);
          keys.delete(each.key);
        } else {
          const { prefix, after, limit } = each;
          const all = [...keys].sort().filter((key) => key.startsWith(prefix) && key > after);
          const expected = { keys: all.slice(0, limit), isTruncated: all.length > limit };
          expect(await store.list(prefix, { after, limit })).toEqual(expected);
        }
      }
      expect((await store.list("")).keys).toEqual([...keys].sort());
      for (const key of keys) await store.delete(key);
      expect(readdirSync(join(folder, "objects"))).toEqual([]);
      await rm(folder, { recursive: true });
    }),
    { numRuns: 40 },
  );
});

const TIMES = ["7yabcdef", "7yabcdeg", "7yabcdeg1", "7yabzz00", "6yabcdef"];
const KEYS = [...TIMES.map(record), "a", "jobs/t/other", record("7yabcdef").replace("/t/", "/u/")].sort();

/** Puts objects back to where they stood before names were spread. */
async function unspread(
  files: Pick<FileSystem, "rename" | "rmdir" | "unlink">,
  folder: string,
): Promise<void> {
  for (const key of KEYS) {
    const flat = join(folder, "objects", `${key}@`);
    const place = join(folder, "objects", placeOf(key));
    if (flat === place) continue;
    await files.rename(place, flat);
    for (let empty = dirname(place); empty.endsWith("+"); empty = dirname(empty))
      await files.rmdir(empty).catch(() => undefined);
  }
  await files.unlink(join(folder, "spread"));
}

test("an open moves objects that were stored before names were spread, once", async () => {
  const folder = temporaryFolder();
  const before = await openStore(folder);
  for (const key of KEYS) await before.put(key, Buffer.from(key));
  await unspread({ rename, rmdir, unlink: rm }, folder);
  expect(await before.get(record("7yabcdef"))).toBeNull();
  const store = await openStore(folder);
  for (const key of KEYS) expect(Buffer.from((await store.get(key))!.body).toString()).toBe(key);
  expect((await store.list("")).keys).toEqual(KEYS);
  expect(existsSync(join(folder, "objects", `${record("7yabcdef")}@`))).toBe(false);
  // What is put there later by hand is nobody's: the folder is not searched again.
  await mkdir(join(folder, "objects", `${record("5")}@`), { recursive: true });
  await openStore(folder);
  expect(existsSync(join(folder, "objects", `${record("5")}@`))).toBe(true);
  expect(dirname(placeOf(record("5")))).toBe("jobs/t/video_5000+/00+/00+");
});

test("a power cut at any moment of the move loses no object", async () => {
  for (let round = 0, isDone = false; !isDone || round % 4 > 0; round += 1) {
    const random = new SeededRandom(round);
    const disk = new Disk(() => 0);
    let calls = Number.POSITIVE_INFINITY;
    const files = disk.filesFor((operation) => {
      calls -= 1;
      return calls < 0 ? Promise.reject(new Error("power cut")) : Promise.resolve().then(operation);
    });
    const open = () => openFolderStore("/store", { signUrl: () => "", random: random.bytes, files });
    const before = await open();
    for (const key of KEYS) await before.put(key, Buffer.from(key));
    await unspread(files, "/store");
    for (const path of ["/store", "/store/objects/jobs/t", "/store/objects/jobs/u"])
      await files.open(path).then((folder) => folder.sync());
    // Four cuts after each number of calls, since each loses other changes.
    calls = Math.floor(round / 4);
    isDone = await open().then(
      () => true,
      () => false,
    );
    calls = Number.POSITIVE_INFINITY;
    disk.cutPower(random);
    const store = await open();
    for (const key of KEYS) expect(Buffer.from((await store.get(key))?.body ?? "").toString()).toBe(key);
    expect((await store.list("")).keys).toEqual(KEYS);
  }
});
