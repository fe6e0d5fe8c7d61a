import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const files = readdirSync("tools/bench", { recursive: true, encoding: "utf8" }).map((path) =>
  join("tools/bench", path),
);

test("every script that is started with PyTorch exists", () => {
  const started = files
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => {
      const names = readFileSync(path, "utf8").matchAll(/startTorch\(\s*new URL\("([^"]+)"/g);
      return [...names].map((match) => join(dirname(path), match[1]!));
    });
  expect(started).toHaveLength(2);
  expect(started.filter((path) => !existsSync(path))).toEqual([]);
});

test("every folder of tools that a script imports modules from exists", () => {
  const folders = files
    .filter((path) => path.endsWith(".py"))
    .flatMap((path) => {
      const [, levels, name] = /parents\[(\d)\] \/ "([\w-]+)"/.exec(readFileSync(path, "utf8")) ?? [];
      return name === undefined ? [] : join(path, "..", ...new Array(Number(levels)).fill(".."), name);
    });
  expect(folders.toSorted()).toEqual([join("tools", "demo-model"), join("tools", "golden")]);
  expect(folders.filter((path) => !existsSync(path))).toEqual([]);
});
