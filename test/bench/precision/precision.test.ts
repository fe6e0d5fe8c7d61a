import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { measurePrecision, narrowPrecision, SETTINGS } from "../../../tools/bench/precision/precision.ts";
import { precisionReport } from "../../../tools/bench/precision/report.ts";
import {
  type PrecisionResults,
  precisionResultsSchema,
  summariseSettings,
} from "../../../tools/bench/precision/results.ts";
import { writeTinyModel } from "../../generation/pipeline/tiny-model.ts";
import { sampleCircumstances as circumstances } from "../sample-results.ts";

vi.spyOn(process.stderr, "write").mockReturnValue(true);

const prompts = [
  { text: "a red circle", seed: 1 },
  { text: "a square", seed: 2 },
];

describe("a measurement of int8", () => {
  let folder: string;
  let results: PrecisionResults;
  const saved: PrecisionResults[] = [];
  const measure = (changes: object) =>
    measurePrecision({
      folder,
      precision: "int8",
      prompts: prompts.slice(0, 1),
      circumstances,
      async save(now) {
        saved.push(structuredClone(now));
      },
      ...changes,
    });
  beforeAll(async () => {
    folder = await writeTinyModel();
    results = await measure({});
  });
  afterAll(() => rm(folder, { recursive: true }));

  it("int8 without cache differs from float32 without cache, which is compared with itself", () => {
    const [alone] = results.prompts[0]!.videos;
    expect(alone!.float32.psnr).toBeNull();
    expect(alone!.narrow.psnr).toBeGreaterThan(10);
    for (const { computed } of [alone!.float32, alone!.narrow]) expect(computed).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("settings that plan by a table are left out of a model without one", () => {
    expect(results.settings).toEqual(SETTINGS.filter((one) => !one.needsTable).map(({ name }) => name));
  });

  it("the results are kept after every prompt, and survive their file", () => {
    expect(saved).toEqual([results]);
    expect(precisionResultsSchema.parse(JSON.parse(JSON.stringify(results)))).toEqual(results);
  });

  it("a measurement that goes on measures only the prompts that are missing", async () => {
    const { prompts: measured } = await measure({ prompts, earlier: results });
    expect(measured[0]).toEqual(results.prompts[0]);
    expect(measured.map(({ text }) => text)).toEqual(["a red circle", "a square"]);
  });

  it("a measurement of another precision does not go on with earlier results", async () => {
    await expect(measure({ precision: "float16", earlier: results })).rejects.toThrow(
      "The earlier results are of another model, precision or settings: measure anew, without --resume.",
    );
  });
});

it("a precision that cannot be compared is refused in one sentence", () => {
  for (const text of ["float32", "int4"])
    expect(() => narrowPrecision(text)).toThrow(
      `--precision must be float16 or int8, got ${JSON.stringify(text)}.`,
    );
  expect(narrowPrecision("int8")).toBe("int8");
});

describe("the report", () => {
  const video = (psnr: number | null, computed = [0, 1]) => ({ psnr, computed, denoiseSeconds: 2 });
  const sample = (cached: readonly (readonly [number, number])[]): PrecisionResults => ({
    kind: "precision",
    circumstances,
    minutes: 3,
    steps: 3,
    precision: "int8",
    settings: ["no cache", "near", "far"],
    prompts: cached.map(([near, far], index) => ({
      text: `prompt ${index}`,
      seed: index,
      videos: [
        { float32: video(null, [0, 1, 2]), narrow: { ...video(41 + index, [0, 1, 2]), denoiseSeconds: 1 } },
        { float32: video(30), narrow: video(near) },
        { float32: video(40), narrow: video(far, [0, 2]) },
      ],
    })),
  });
  const results = sample([
    [29.5, 35],
    [30.5, 39],
  ]);

  it("the loss is that against float32 at the same setting, and videos with other steps are counted", () => {
    const [, near, far] = summariseSettings(results);
    expect(near!.psnr.narrow).toEqual({ mean: 30, p10: expect.closeTo(29.6), worst: 29.5 });
    expect([near!.sameSchedules, far!.sameSchedules]).toEqual([2, 0]);
    const report = precisionReport(results);
    expect(report).toContain("| no cache | 3.0 | 3.0 | 2/2 | identical | 41.5 / 41.1 / 41.0 | – |");
    expect(report).toContain("| 0.00 / 0.40 / 0.50 |");
    expect(report).toContain("| 3.00 / 4.60 / 5.00 |");
    expect(report).toContain("2 of 4 videos with a cache computed other steps than in float32.");
    expect(report).toContain("in 0.50 of the processor time");
  });

  it("the verdict names the settings that lose little, and those that lose more", () => {
    const verdict = (of: PrecisionResults) => precisionReport(of).split("\n\n")[3];
    expect(verdict(results)).toMatch(
      /less than 1 dB with near; 1 dB or more in one of them with far\. So float32 stays the default\.\*\*$/,
    );
    expect(verdict(sample([[30, 40]]))).toMatch(/^\*\*With every cache level int8 loses less than 1 dB/);
    expect(verdict(sample([[20, 30]]))).toMatch(/^\*\*With no cache level int8 loses less than 1 dB/);
  });
});
