import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { openFolderStore } from "../../../lib/service/storage/index.ts";
import { RUNNER } from "../../../lib/shared/run/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** Number of rounds of kills; `KILL_ROUNDS=100` tests more thoroughly. */
const ROUNDS = Number(process.env.KILL_ROUNDS ?? 3);

const openStore = (folder: string) => openFolderStore(folder, { signUrl: () => "", random: system.random });
const bytes = (text: string) => new TextEncoder().encode(text);

function start(script: string, args: readonly string[]): ChildProcess {
  const path = join(import.meta.dirname, script);
  const child = spawn(process.execPath, [RUNNER, path, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

test("concurrent processes lose no increment of a counter, and make none that was refused", async () => {
  const folder = temporaryFolder();
  const store = await openStore(folder);
  await store.put("counters/a", bytes("0"));
  const children = Array.from({ length: 3 }, () => start("counter-child.ts", [folder, "counters/a", "100"]));
  const unknown = await Promise.all(children.map(async (child) => Number(await text(child.stdout!))));
  const count = Number(new TextDecoder().decode((await store.get("counters/a"))!.body));
  expect(count).toBeGreaterThanOrEqual(300);
  expect(count).toBeLessThanOrEqual(300 + unknown[0]! + unknown[1]! + unknown[2]!);
  expect(readdirSync(join(folder, "tmp"))).toEqual([]);
  expect(await versionsOf(folder, "counters/a")).toHaveLength(1);
});

test("a killed writer leaves whole objects that can be written, and at most files to clear", {
  timeout: 10_000 + ROUNDS * 5_000,
}, async () => {
  const folder = temporaryFolder();
  const store = await openStore(folder);
  for (let round = 0; round < ROUNDS; round += 1) {
    const writers = [start("writer-child.ts", [folder]), start("writer-child.ts", [folder])];
    await Promise.all(writers.map((writer) => once(writer.stdout!, "data")));
    await sleep(20 + Math.random() * 60);
    for (const writer of writers) writer.kill("SIGKILL");
    await Promise.all(writers.map((writer) => once(writer, "exit")));
    for (const key of ["a/0/b", "a/1/b", "a/2/b"]) {
      const object = await store.get(key);
      const [, run, length] = /^(x+)(\d+)$/.exec(object ? new TextDecoder().decode(object.body) : "x1")!;
      expect(run).toHaveLength(Number(length));
      const condition = object ? { ifMatch: object.etag } : { ifAbsent: true };
      expect(await store.put(key, bytes("x1"), condition)).toMatchObject({ ok: true });
      expect(await versionsOf(folder, key)).toHaveLength(1);
      await store.delete(key);
    }
    expect(await store.list("")).toEqual({ keys: [], isTruncated: false });
  }
  const left = readdirSync(join(folder, "tmp"));
  for (const name of left) utimesSync(join(folder, "tmp", name), 1, 1);
  await openStore(folder);
  expect(readdirSync(join(folder, "tmp"))).toEqual([]);
  expect(readdirSync(join(folder, "objects"))).toEqual([]);
});

test("opening the store leaves files that another process is writing", async () => {
  const folder = temporaryFolder();
  const store = await openStore(folder);
  const written = store.put("a", new Uint8Array(20_000_000));
  while (readdirSync(join(folder, "tmp")).length === 0) await sleep(0);
  await openStore(folder);
  expect(await written).toMatchObject({ ok: true });
});

async function versionsOf(folder: string, key: string): Promise<string[]> {
  const object = join(folder, "objects", `${key}@`);
  const [incarnation] = readdirSync(object);
  return readdirSync(join(object, incarnation!));
}
