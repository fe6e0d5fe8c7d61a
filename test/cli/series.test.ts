import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { runGenerate, startGenerate } from "./run-generate.ts";

let model: string;
let folder: string;

beforeAll(async () => {
  model = await writeTinyModel();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-series-"));
  return () => rm(folder, { recursive: true, force: true });
});
afterAll(() => rm(model, { recursive: true, force: true }));

const quick = ["a red circle", "--steps", "6", "--seed", "7"];

test("several videos have seeds that follow each other, a line each, and a summary", async () => {
  const args = [...quick, "--count", "2", "--model", model, "--trace", "traces/t.json"];
  const { code, stdout } = await runGenerate(args, folder);
  const [first, second, shared, note, denoise, ...more] = stdout.trimEnd().split("\n");
  const facts = "\\d of 6 steps computed, denoise \\S+ s( instead of about \\S+ s)?";
  expect(first).toMatch(new RegExp(`^out/a-red-circle-7\\.mp4: seed 7, ${facts}$`));
  expect(second).toMatch(new RegExp(`^out/a-red-circle-8\\.mp4: seed 8, ${facts}$`));
  expect(shared).toMatch(/^2 videos: 16x16, 4 frames at 8 fps, model \S+, guidance 4, cache auto\b/);
  expect(note).toBe("A run of 6 steps has nothing to save: every step was computed.");
  expect(denoise).toMatch(/^(denoise .*; )?\d\S* s in all$/);
  expect([code, more]).toEqual([0, []]);
  expect(await readdir(join(folder, "out"))).toEqual(["a-red-circle-7.mp4", "a-red-circle-8.mp4"]);
  expect(await readdir(join(folder, "traces"))).toEqual(["t-7.json", "t-8.json"]);
});

test("several videos are compared one by one, and each is a line of JSON", async () => {
  const args = [...quick, "--count", "2", "--model", model, "--compare", "--json", "--out", "new/"];
  const { code, stdout } = await runGenerate(args, folder);
  const reports = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  const paths = [7, 8].map((seed) => join(folder, `new/a-red-circle-${seed}`));
  expect(reports.map(({ seed, video, comparison }) => [seed, video, comparison.page])).toEqual([
    [7, `${paths[0]}.mp4`, `${paths[0]}.html`],
    [8, `${paths[1]}.mp4`, `${paths[1]}.html`],
  ]);
  expect(code).toBe(0);
});

test("a video of a series has the bytes of the same seed alone", async () => {
  const make = (...args: string[]) => runGenerate([...args, "--model", model], folder);
  await make("a red circle", "--steps", "6", "--seed", "8", "--out", "alone.mp4");
  await make(...quick, "--count", "2", "--out", "series.mp4");
  const [alone, second] = await Promise.all(
    ["alone.mp4", "series-8.mp4"].map((name) => readFile(join(folder, name))),
  );
  expect(second!.equals(alone!)).toBe(true);
});

test.runIf(process.platform === "linux")(
  "Ctrl-C keeps the finished videos and says how many they are",
  async () => {
    const args = ["a red circle", "--seed", "1", "--steps", "400", "--cache", "off", "--count", "9"];
    const started = startGenerate([...args, "--model", model], folder);
    await started.saw("2 of 9: denoising");
    started.child.kill("SIGINT");
    const { code, stdout, stderr } = await started.finished;
    expect(stderr.trimEnd().split("\n").at(-1)).toBe("Cancelled: 1 of 9 videos is finished.");
    expect([code, stdout.trimEnd().split("\n").length]).toEqual([1, 1]);
    expect(await readdir(join(folder, "out"))).toEqual(["a-red-circle-1.mp4"]);
  },
);
