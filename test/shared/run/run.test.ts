import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { RUNNER } from "../../../lib/shared/run/index.ts";

// In the repository, whose package.json says that its programs are ES modules.
mkdirSync("out", { recursive: true });
const folder = mkdtempSync(resolve("out", "run-"));
const cache = "node_modules/.cache/adareel";
const bundles = (name: string) => readdirSync(cache).filter((file) => file.includes(name));

/** Runs a program and returns what it prints. */
async function run(...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [RUNNER, ...args])).stdout;
}

/** Writes a program of two files, and returns its path. */
function program(word: string): string {
  const path = join(folder, "greet.ts");
  writeFileSync(join(folder, "word.ts"), `export const word: string = ${JSON.stringify(word)};\n`);
  writeFileSync(
    path,
    "import { word } from './word.ts';\n" +
      "console.log(word, import.meta.url, process.argv.slice(1).join());\n",
  );
  return path;
}

afterAll(() => {
  for (const file of bundles(basename(folder))) rmSync(join(cache, file));
  rmSync(folder, { recursive: true });
});

test("a program runs from a bundle, and finds its own file and arguments as if it ran itself", async () => {
  const path = program("hello");
  const printed = `hello ${pathToFileURL(path).href} ${path},--name,x\n`;
  expect(await run(path, "--name", "x")).toBe(printed);
  expect(bundles(`${basename(folder)}-greet.ts`)).toEqual([
    expect.stringMatching(/-[0-9a-f]{32}\.mjs$/),
    expect.stringMatching(/-[0-9a-f]{32}\.mjs\.map$/),
    expect.stringMatching(/greet\.ts\.json$/),
  ]);
  expect(await run(path, "--name", "x")).toBe(printed);
});

test("a program is bundled again when a file that it imports has changed, and only then", async () => {
  const count = () => bundles(`${basename(folder)}-greet.ts-`).filter((file) => file.endsWith(".mjs")).length;
  const path = program("hello");
  await run(path);
  const before = count();
  expect(await run(program("bye"))).toMatch(/^bye /);
  expect(count()).toBe(before + 1);
  // The earlier bundle is still the one of the earlier sources.
  expect(await run(program("hello"))).toMatch(/^hello /);
});

test("a program that cannot be bundled is run from its sources", async () => {
  const path = join(folder, "late.ts");
  writeFileSync(path, "console.log('ran' as string);\nif (process.argv[2]) await import('./gone.ts');\n");
  expect(await run(path)).toBe("ran\n");
  await expect(run(path, "fail")).rejects.toThrow(/gone\.ts/);
});

test("a prepared program has its bundle before the first run", async () => {
  const path = join(folder, "prepared.ts");
  writeFileSync(path, "console.log(1 as number);\n");
  expect(await run("--prepare", path)).toBe("");
  expect(bundles("prepared.ts").some((file) => file.endsWith(".mjs"))).toBe(true);
});

test("a run without a program says what to give", async () => {
  await expect(run()).rejects.toMatchObject({ code: 2, stderr: "Give the TypeScript file to run.\n" });
});
