import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { policyMethods } from "../../../tools/bench/policies/methods.ts";
import type { MeasurementPlan } from "../../../tools/bench/policies/plan.ts";
import { readPrompts } from "../../../tools/bench/policies/prompts.ts";
import {
  methodKey,
  type PolicyResults,
  policyResultsSchema,
  REFERENCE_GROUP,
} from "../../../tools/bench/policies/results.ts";
import { planSchedule } from "../../../tools/bench/policies/rules/fixed-schedule.ts";
import { measureSession } from "../../../tools/bench/policies/session.ts";
import { writeJson, writeTinyModel } from "../../generation/pipeline/tiny-model.ts";
import { sampleCircumstances as circumstances } from "../sample-results.ts";

vi.spyOn(process.stderr, "write").mockReturnValue(true);

let folder: string;
let scratch: string;
let prompts: MeasurementPlan["prompts"];
beforeAll(async () => {
  folder = await writeTinyModel();
  scratch = await mkdtemp(join(tmpdir(), "adareel-policies-"));
  const list = join(scratch, "prompts.json");
  await writeJson(list, ["a red circle", "a blue ring moves", "a green square"]);
  prompts = readPrompts(list);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await rm(scratch, { recursive: true });
});

const STEPS = 10;

function measure(changes: Partial<MeasurementPlan>, earlier: PolicyResults | null = null) {
  const plan: MeasurementPlan = {
    prompts: prompts.slice(0, 2),
    calibrationPrompts: prompts.slice(2),
    stepCounts: [STEPS],
    threads: 1,
    clock: "wall",
    workers: 1,
    only: ["static", "EasyCache", "First-Block Cache"],
    resume: false,
    ...changes,
  };
  return measureSession({ plan, folder, circumstances, earlier, file: join(scratch, "policies.json") });
}

/** Returns the measurements without times, in an order that does not depend on processes. */
function measured({ runs }: PolicyResults) {
  return runs
    .map(({ denoiseSeconds, referenceSeconds, ...run }) => run)
    .toSorted((a, b) => a.prompt - b.prompt || methodKey(a).localeCompare(methodKey(b)));
}

describe("a session", () => {
  let whole: PolicyResults;
  beforeAll(async () => {
    whole = await measure({});
  });

  it("every setting of the policies is measured on every prompt, beside a repeated reference", () => {
    const methods = policyMethods(STEPS).filter(({ group }) =>
      ["static", "EasyCache", "First-Block Cache"].includes(group),
    );
    expect(whole.methods.map(methodKey)).toEqual(methods.map(methodKey));
    expect(whole.runs).toHaveLength(2 * (methods.length + 1));
    const references = whole.runs.filter(({ group }) => group === REFERENCE_GROUP);
    for (const run of references) expect(run).toMatchObject({ psnr: null, ssim: 1, computed: STEPS });
  });

  it("the file holds the results that are returned", async () => {
    const file = JSON.parse(await readFile(join(scratch, "policies.json"), "utf8"));
    expect(policyResultsSchema.parse(file)).toEqual(whole);
  });

  it("a session that was cut short and is resumed has the results of a whole one", async () => {
    const cut = {
      ...whole,
      runs: whole.runs.filter(({ prompt, group }) => prompt === 0 && group !== "static"),
    };
    const resumed = await measure({ resume: true }, cut);
    expect(measured(resumed)).toEqual(measured(whole));
  });

  it("two processes measure what one does", async () => {
    const results = await measure({ workers: 2, clock: "cpu" });
    expect(measured(results)).toEqual(measured(whole));
    for (const { denoiseSeconds, referenceSeconds } of results.runs) {
      expect.soft(denoiseSeconds).toBeGreaterThan(0);
      expect.soft(referenceSeconds).toBeGreaterThan(0);
    }
  });

  it("a model that cannot be opened ends a session with its error", async () => {
    const plan = {
      prompts,
      calibrationPrompts: prompts,
      stepCounts: [STEPS],
      threads: 1,
      clock: "cpu",
      workers: 1,
    } as const;
    const session = measureSession({
      plan: { ...plan, only: ["static"], resume: false },
      folder: join(scratch, "none"),
      circumstances,
      earlier: null,
      file: join(scratch, "unwritten.json"),
    });
    await expect(session).rejects.toThrow(/none/);
  });
});

describe("every policy", () => {
  it("every policy runs at 10 steps, and none costs more than all of them", async () => {
    const results = await measure({ prompts: prompts.slice(0, 1), only: null });
    const costs = new Map(results.runs.map((run) => [methodKey(run), run.computed]));
    // This model has no table of what reuse costs it, and refuses promises in dB.
    const accepted = policyMethods(STEPS)
      .map(methodKey)
      .filter((key) => !key.includes("at_least"));
    expect([...costs.keys()].toSorted()).toEqual([...accepted, `${REFERENCE_GROUP} / `].toSorted());
    for (const [key, cost] of costs) {
      expect.soft(cost, key).toBeGreaterThan(0);
      expect.soft(cost, key).toBeLessThanOrEqual(STEPS + 1e-9);
    }
    expect(costs.get("guidance gate / 0.5")).toBe(7.5);
    expect(costs.get("offline schedule / K6")).toBe(6);
  });

  it("the calibration has a ratio for each step, a pair for each change, and damages that make a schedule", async () => {
    const only = ["MagCache", "TeaCache fitted", "offline schedule"];
    const { calibrations } = await measure({ prompts: prompts.slice(0, 1), only });
    const { magnitudeRatios, changes, damage } = calibrations[0]!;
    expect(magnitudeRatios).toHaveLength(STEPS);
    expect(magnitudeRatios[0]).toBe(1);
    expect(changes).toHaveLength(STEPS - 1);
    expect(damage.map((row) => row.length)).toEqual(Array.from({ length: STEPS }, (_, step) => step));
    for (const value of damage.flat()) expect(value).toBeGreaterThanOrEqual(0);
    expect(planSchedule(damage, 4)).toHaveLength(4);
  });
});
