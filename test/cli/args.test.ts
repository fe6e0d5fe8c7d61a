import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { parseGenerate } from "../../functions/cli/args.ts";
import { outputsOf } from "../../functions/cli/outputs.ts";

let here: string;

beforeEach(async () => {
  here = await mkdtemp(join(tmpdir(), "adareel-args-"));
  return () => rm(here, { recursive: true });
});

function parse(...args: string[]) {
  const command = parseGenerate(["a red circle", ...args], { folder: here, drawSeed: () => 41 });
  if (command === "help") throw new Error("it asked for help");
  return command;
}

it("an image path is relative to the user's folder", () => {
  expect(parse("--image", "a/first.png")).toMatchObject({ requests: [{ image: join(here, "a/first.png") }] });
  expect(parse().requests[0]).not.toHaveProperty("image");
});

describe("--lora", () => {
  it.each<[string, object]>([
    ["style", { name: "style" }],
    ["style:0.8", { name: "style", scale: 0.8 }],
    ["style:-1:2", { name: "style", scale: -1, transformer: 2 }],
    ["a/style", { file: "a/style" }],
    ["style.safetensors:0", { file: "style.safetensors", scale: 0 }],
    ["a:b.safetensors:2:1", { file: "a:b.safetensors", scale: 2, transformer: 1 }],
  ])("--lora %s is %j, with paths from the user's folder", (text, lora) => {
    const [parsed] = parse("--lora", text).requests[0]!.loras as { file?: string }[];
    const file = parsed!.file?.slice(here.length + 1);
    expect({ ...parsed, ...(file !== undefined && { file }) }).toEqual(lora);
  });

  it("several LoRAs make a list, and none no field", () => {
    expect(parse("--lora", "a", "--lora", "b:2").requests[0]!.loras).toEqual([
      { name: "a" },
      { name: "b", scale: 2 },
    ]);
    expect(parse().requests[0]).not.toHaveProperty("loras");
  });

  it.each([
    ["style:11", /--lora/],
    ["style:high", /--lora/],
    ["", /--lora/],
  ])("--lora '%s' is refused", (text, sentence) => {
    expect(() => parse("--lora", text)).toThrow(sentence);
  });
});

it("the default model is the demo model of the program, wherever the user is", () => {
  expect(parse().model).toMatch(/models.demo$/);
  expect(parse("--model", "demo").model).toBe(parse().model);
});

describe("the files of a command", () => {
  const files = (...args: string[]) =>
    outputsOf(parse(...args)).map(({ video, trace, page }) =>
      [video, trace, page].map((path) => path?.slice(here.length + 1) ?? null),
    );

  it.each([
    [[], "out/a-red-circle-41.mp4"],
    [["--out", "x.mp4"], "x.mp4"],
    [["--out", "new/deep/x.WebP"], "new/deep/x.WebP"],
    [["--out", "new/"], "new/a-red-circle-41.mp4"],
    [["--out", "there"], "there/a-red-circle-41.mp4"],
    [["--out", "there.mp4", "--seed", "5"], "there.mp4/a-red-circle-5.mp4"],
  ])("the options %j put the video at %s", async (args, path) => {
    for (const folder of ["there", "there.mp4"]) await mkdir(join(here, folder));
    expect(files(...args)).toEqual([[path, null, null]]);
  });

  it("every file of several videos has a name that ends in the seed", () => {
    const args = ["--count", "2", "--seed", "7", "--out", "a/x.mp4", "--trace", "b/t.json", "--compare"];
    expect(files(...args)).toEqual([
      ["a/x-7.mp4", "b/t-7.json", "a/x-7.html"],
      ["a/x-8.mp4", "b/t-8.json", "a/x-8.html"],
    ]);
    expect(files("--count", "2", "--trace", "t")).toEqual([
      ["out/a-red-circle-41.mp4", "t-41", null],
      ["out/a-red-circle-42.mp4", "t-42", null],
    ]);
  });
});

describe("--count", () => {
  it.each(["0", "1001", "1.5", "-1", "many", ""])("the count %j is refused in one sentence", (count) => {
    const sentence = `--count takes a whole number from 1 to 1000, not ${JSON.stringify(count)}.`;
    expect(() => parse("--count", count)).toThrow(sentence);
  });

  it("a count whose last seed is too large is refused in one sentence", () => {
    expect(() => parse("--count", "3", "--seed", String(Number.MAX_SAFE_INTEGER - 1))).toThrow(
      "The seeds of 3 videos would end at 9007199254740992, and the largest is 9007199254740991.",
    );
  });
});
