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
import { afterEach, beforeEach, expect, test } from "vitest";
import { openMasterKey, SecretError } from "../../../lib/service/keys/index.ts";
import { system } from "../../../lib/shared/system.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "master-key-"));
  path = join(folder, "master.key");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the first use makes 32 bytes, and every later one reads them", async () => {
  const key = await openMasterKey(path, system);
  expect(key).toHaveLength(32);
  expect(await openMasterKey(path, system)).toEqual(key);
  expect(readFileSync(path)).toEqual(key);
  expect(readdirSync(folder)).toEqual(["master.key"]);
  expect(await openMasterKey(join(folder, "other"), system)).not.toEqual(key);
});

test.skipIf(process.platform === "win32")("only its owner may read the master key", async () => {
  await openMasterKey(path, system);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("many concurrent starts get one master key", async () => {
  const keys = await Promise.all(Array.from({ length: 50 }, () => openMasterKey(path, system)));
  expect(new Set(keys.map((key) => Buffer.from(key).toString("hex"))).size).toBe(1);
  expect(readdirSync(folder)).toEqual(["master.key"]);
});

test("three processes that start at once get one master key, a hundred times", async () => {
  const script = `
    const { openMasterKey } = await import("${new URL("../../../lib/service/keys/index.ts", import.meta.url)}");
    const { system } = await import("${new URL("../../../lib/shared/system.ts", import.meta.url)}");
    const keys = [];
    for (let round = 0; round < 100; round++) {
      const key = await openMasterKey(${JSON.stringify(folder)} + "/" + round, system);
      keys.push(Buffer.from(key).toString("hex"));
    }
    console.log(keys.join(" "));`;
  const run = () =>
    promisify(execFile)(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script]);
  const outputs = (await Promise.all([run(), run(), run()])).map(({ stdout }) => stdout);
  expect(
    outputs[0]!
      .trim()
      .split(" ")
      .filter((key) => /^[0-9a-f]{64}$/.test(key)),
  ).toHaveLength(100);
  expect(new Set(outputs).size).toBe(1);
  expect(readdirSync(folder)).toHaveLength(100);
});

test.each([0, 31, 33])("a key file of %d bytes is refused, and stays unchanged", async (count) => {
  writeFileSync(path, Buffer.alloc(count));
  const opened = openMasterKey(path, system);
  await expect(opened).rejects.toThrow(SecretError);
  await expect(opened).rejects.toThrow(`${path} has ${count} bytes instead of 32: put the right file back.`);
  expect(statSync(path).size).toBe(count);
});

test("a missing folder, and a folder in the file's place, are errors that name the path", async () => {
  for (const wrong of [join(folder, "missing", "key"), folder]) {
    const opened = openMasterKey(wrong, system);
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
    await expect(openMasterKey(join(closed, "key"), system)).rejects.toThrow(SecretError);
    expect(readdirSync(closed)).toEqual([]);
    chmodSync(closed, 0o700);
  },
);
