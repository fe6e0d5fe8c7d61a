import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { assertWritable, VideoError, writeFileAtomically } from "../../../lib/generation/video/index.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "atomic-write-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const bytes = Buffer.from("new");

test("a file is written whole and nothing else stays in its folder", async () => {
  await writeFileAtomically(join(folder, "file"), bytes);
  expect(readFileSync(join(folder, "file"), "utf8")).toBe("new");
  expect(readdirSync(folder)).toEqual(["file"]);
});

test("an older file is replaced", async () => {
  writeFileSync(join(folder, "file"), "an older and longer one");
  await writeFileAtomically(join(folder, "file"), bytes);
  expect(readFileSync(join(folder, "file"), "utf8")).toBe("new");
});

test("several concurrent writes to one path leave one of them, whole", async () => {
  const versions = ["a", "b", "c", "d"].map((letter) => letter.repeat(100_000));
  await Promise.all(versions.map((text) => writeFileAtomically(join(folder, "file"), Buffer.from(text))));
  expect(versions).toContain(readFileSync(join(folder, "file"), "utf8"));
  expect(readdirSync(folder)).toEqual(["file"]);
});

describe.each([
  ["writing", (path: string) => writeFileAtomically(path, bytes)],
  ["asking whether one may write", assertWritable],
])("%s", (_, attempt) => {
  async function expectRefusal(path: string, message: string) {
    const before = readdirSync(folder);
    const refused = attempt(path);
    await expect(refused).rejects.toThrow(VideoError);
    await expect(refused).rejects.toThrow(`Cannot write ${path}: ${message}.`);
    expect(readdirSync(folder)).toEqual(before);
  }

  test("an attempt to write into a missing folder says to create it", () =>
    expectRefusal(join(folder, "missing", "file"), "its folder does not exist; create it first"));

  test("an attempt to write over a folder says to give a file", async () => {
    mkdirSync(join(folder, "taken"));
    await expectRefusal(join(folder, "taken"), "it is a folder; give the name of a file");
  });

  test("an attempt to write below a file says to choose another folder", async () => {
    writeFileSync(join(folder, "plain"), "");
    await expectRefusal(
      join(folder, "plain", "file"),
      "a part of its folder is a file; choose another folder",
    );
  });

  test("an attempt to write under a name that is too long says so", () =>
    expectRefusal(join(folder, "x".repeat(300)), "the name is too long; choose a shorter one"));

  test.skipIf(process.getuid?.() === 0)(
    "an attempt to write into a folder without permission says to choose another",
    async () => {
      const closed = join(folder, "closed");
      mkdirSync(closed, { mode: 0o500 });
      await expectRefusal(join(closed, "file"), "you may not write there; choose another folder");
      chmodSync(closed, 0o700);
    },
  );
});

test("a check leaves the folder and an older file as they were", async () => {
  writeFileSync(join(folder, "file"), "old");
  await assertWritable(join(folder, "file"));
  await assertWritable(join(folder, "other"));
  expect(readdirSync(folder)).toEqual(["file"]);
  expect(readFileSync(join(folder, "file"), "utf8")).toBe("old");
});

// A limit on the file size interrupts a write as a full disk does.
test.skipIf(process.platform === "win32")("a write that breaks half-way leaves only the older file", () => {
  const path = join(folder, "file");
  writeFileSync(path, "old");
  const script = `import("${new URL("../../../lib/generation/video/atomic-write.ts", import.meta.url)}")
    .then((m) => m.writeFileAtomically(${JSON.stringify(path)}, new Uint8Array(1_000_000)))
    .then(() => console.log("written"), (error) => console.log(error.message));`;
  const command = `trap '' XFSZ; ulimit -f 64; exec "$0" --import tsx -e "$1"`;
  const { stdout } = spawnSync("/bin/sh", ["-c", command, process.execPath, script], { encoding: "utf8" });
  expect(stdout.trim()).toBe(`Cannot write ${path}: the file would be larger than the system allows.`);
  expect(readdirSync(folder)).toEqual(["file"]);
  expect(readFileSync(path, "utf8")).toBe("old");
});
