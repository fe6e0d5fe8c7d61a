import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type CommandQuote, commandQuote, quoteText } from "../../functions/cli/quote-report.ts";
import { limitToWords, writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { runGenerate } from "./run-generate.ts";

let model: string;
let folder: string;

beforeAll(async () => {
  model = await writeTinyModel();
  await limitToWords(model);
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-cli-"));
  return () => rm(folder, { recursive: true, force: true });
});
afterAll(() => rm(model, { recursive: true, force: true }));

const generate = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  runGenerate(["a red circle", "--seed", "1", "--steps", "12", "--model", model, ...args], folder, env);

test("the option --quote says what a video would take, and writes nothing", async () => {
  const { code, stdout } = await generate(["--quote", "--cache", "static:3"]);
  expect(code).toBe(0);
  const [about, counted, timed, none] = stdout.trimEnd().split("\n");
  expect(about).toMatch(/^about \S+ s, \S+ to \S+ s, on this machine with adareel-tiny-model/);
  expect(counted).toBe("5 of 12 steps computed");
  expect(timed).toMatch(/^timed: open \S+ s, encode /);
  expect(none).toBe("no video was made");
  expect(await readdir(folder)).toEqual([]);
});

test("the option --quote prints one line of JSON with --json, and a price by PRICE_PER_HOUR", async () => {
  const { stdout } = await generate(["--quote", "--json", "--cache", "fast"], { PRICE_PER_HOUR: "3.6" });
  const { steps, seconds, usd } = JSON.parse(stdout) as CommandQuote;
  expect(steps).toEqual({ total: 12, computed: { expected: 6.5, low: 1, high: 12 } });
  expect(usd!.high).toBeCloseTo(seconds.high / 1000);
  expect(seconds.low).toBeLessThan(seconds.high);
});

test.each(["0", "-1", "20eur", "1e9"])(
  "the option --quote refuses the price %s in one sentence",
  async (price) => {
    const { code, stdout, stderr } = await generate(["--quote"], { PRICE_PER_HOUR: price });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(
      /^PRICE_PER_HOUR must be a number of US dollars above 0 and at most 1000, such as 1\.2\.\n$/,
    );
  },
);

test("a quote of an adaptive cache says that its steps are decided later, and a promise of seconds limits it", () => {
  const seconds = { load: 1, encode: 0, computed: 1, reused: 0, decode: 1 };
  const trial = { model: "demo", steps: 30, computed: { least: 1, most: 30 }, seconds, secondsMost: null };
  const whole = { compare: false, audit: false };
  expect(quoteText(commandQuote(trial, whole, null))).toContain(
    "1 to 30 of 30 steps computed, which this cache",
  );
  expect(commandQuote(trial, whole, null).seconds.high).toBe(32 * 1.25);
  expect(commandQuote({ ...trial, secondsMost: 10 }, whole, null).seconds.high).toBeCloseTo(1.25 + 11);
  expect(commandQuote(trial, { ...whole, compare: true }, null).seconds.high).toBe(63 * 1.25);
});
