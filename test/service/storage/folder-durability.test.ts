import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { FileSystem } from "../../../lib/service/storage/file-system.ts";
import { openFolderStore, type ServedStore } from "../../../lib/service/storage/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { FOLDER, powerlessMachine } from "../../sim/powerless-machine.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const RECORD = `jobs/t/video_7yabcdef${"0".repeat(18)}.json`;
const never = () => new Promise<never>(() => undefined);

async function contents(store: ServedStore): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const key of (await store.list("")).keys) {
    const object = await store.get(key);
    if (object) found[key] = Buffer.from(object.body).toString();
  }
  return found;
}

describe("an acknowledged write", () => {
  type Step = readonly ["put" | "delete", key: string, text?: string];
  const STEPS: readonly Step[] = [
    ["put", "a/b/c", "1"],
    ["put", "a/b/c", "2"],
    ["put", "a/b/c", "3"],
    ["put", RECORD, "4"],
    ["put", RECORD, "5".repeat(100_000)],
    ["put", "a/b", "6"],
    ["delete", "a/b/c"],
    ["put", "a/b/c", "7"],
    ["delete", RECORD],
    ["put", RECORD, "8"],
    ["delete", "a/b/c"],
    ["delete", "a/b"],
  ];

  test.each(STEPS.map((step, index) => [index + 1, ...step.slice(0, 2)] as const))(
    "an acknowledged write is synced: number %i, %s %s",
    async (count) => {
      const { open, restart } = powerlessMachine();
      const stores = [await open(), await open()];
      const expected: Record<string, string> = {};
      for (const [index, [kind, key, text = ""]] of STEPS.slice(0, count).entries()) {
        // Two processes write in turn, so that each finds what the other has made.
        const store = stores[index % 2]!;
        if (kind === "delete") await store.delete(key);
        else await store.put(key, Buffer.from(text));
        if (kind === "delete") delete expected[key];
        else expected[key] = text;
      }
      expect(await contents(await restart())).toEqual(expected);
    },
  );

  test("an acknowledged deletion is synced though another process began it and synced nothing", async () => {
    for (const stuckAt of ["sync", "after the removal"]) {
      const { files, open, restart } = powerlessMachine();
      let isStuck = false;
      let isRemoved = false;
      const slow = await open({
        open: (path, ...rest) => {
          const isSync = isStuck && /\/objects\/a(\/|$)/.test(path) && !/\/\d+$/.test(path);
          return isSync && (stuckAt === "sync" || isRemoved) ? never() : files.open(path, ...rest);
        },
        rename: async (from, to) => {
          await files.rename(from, to);
          if (isStuck) isRemoved = true;
        },
      });
      await slow.put("a/b", Buffer.from("1"));
      await slow.put("a/c", Buffer.from("1"));
      const quick = await open();
      isStuck = true;
      void slow.delete("a/b");
      await expect.poll(() => quick.get("a/b")).toBeNull();
      if (stuckAt !== "sync") await expect.poll(() => isRemoved).toBe(true);
      expect(await quick.delete("a/b")).toBe(true);
      expect(await contents(await restart())).toEqual({ "a/c": "1" });
    }
  });

  test("a write that waits for another's sync of the same folder is synced by one that began after it", async () => {
    const { files, open, restart } = powerlessMachine();
    const begun: (() => void)[] = [];
    let isHeld = false;
    const store = await open({
      async open(path, ...rest) {
        const file = await files.open(path, ...rest);
        if (!isHeld || path !== `${FOLDER}/objects/a`) return file;
        isHeld = false;
        // The first sync of the folder is done, and not yet answered, when the second write comes.
        const sync = async () => {
          await file.sync();
          await new Promise<void>((resolve) => begun.push(resolve));
        };
        return { ...file, sync };
      },
    });
    await store.put("a/0", Buffer.from("0"));
    isHeld = true;
    const first = store.put("a/1", Buffer.from("1"));
    await expect.poll(() => begun.length).toBe(1);
    const second = store.put("a/2", Buffer.from("2"));
    await expect.poll(() => store.get("a/2")).not.toBeNull();
    begun[0]!();
    await Promise.all([first, second]);
    expect(await contents(await restart())).toEqual({ "a/0": "0", "a/1": "1", "a/2": "2" });
  });
});

test("only the user of the service may read its files", async () => {
  const folder = join(temporaryFolder(), "data", "store");
  const store = await openFolderStore(folder, { signUrl: () => "", random: system.random });
  for (const key of ["a", "a/b", RECORD]) await store.put(key, Buffer.from(key));
  await store.put("a", Buffer.from("2"));
  await store.delete("a/b");
  const modes = ["", ...(readdirSync(folder, { recursive: true }) as string[])].map((path) => {
    const entry = statSync(join(folder, path));
    return { path, mode: entry.mode & 0o777, isFolder: entry.isDirectory() };
  });
  expect(modes.length).toBeGreaterThan(10);
  expect(modes.filter(({ mode, isFolder }) => mode !== (isFolder ? 0o700 : 0o600))).toEqual([]);
});

test("an object that was read before costs no thread, and is read anew once it has changed", async () => {
  const { files, open } = powerlessMachine();
  let calls: string[] = [];
  const counted = Object.fromEntries(
    Object.entries(files).map(([name, call]) => [
      name,
      (...args: unknown[]) => {
        calls.push(name);
        return (call as (...all: unknown[]) => unknown)(...args);
      },
    ]),
  ) as unknown as FileSystem;
  const [reader, writer] = [await open(counted), await open()];
  const read = async () => Buffer.from((await reader.get("a"))?.body ?? "absent").toString();
  for (const text of ["1", "2", "3"]) {
    await writer.put("a", Buffer.from(text));
    expect(await read()).toBe(text);
    calls = [];
    expect(await read()).toBe(text);
    expect(calls).toEqual(["readdirNow"]);
  }
  (await reader.get("a"))!.body[0] = 0;
  expect(await read()).toBe("3");
  await writer.delete("a");
  expect(await read()).toBe("absent");
  await writer.put("a", Buffer.from("4"));
  expect(await read()).toBe("4");
});
