import { describe, expect, test } from "vitest";
import {
  type MeasurementPlan,
  missingParts,
  missingTasks,
  resultsToGoOn,
} from "../../../tools/bench/policies/plan.ts";
import { calibrationPrompts, evaluationPrompts } from "../../../tools/bench/policies/prompts.ts";
import { methodKey, policyResultsSchema } from "../../../tools/bench/policies/results.ts";
import { wholeResults } from "./sample-policies.ts";

const earlier = { ...wholeResults(), calibrationPrompts: calibrationPrompts.slice(0, 1) };
const plan: MeasurementPlan = {
  prompts: earlier.prompts,
  calibrationPrompts: earlier.calibrationPrompts,
  stepCounts: [30],
  threads: 1,
  clock: "wall",
  workers: 1,
  only: null,
  resume: false,
};
const begun = { ...earlier, methods: [], runs: [], minutes: 0 };
const calibration = { steps: 30, magnitudeRatios: [], changes: [], damage: [] };

describe("a command that goes on with earlier results", () => {
  test("a resumed command measures what is missing, and nothing that is there", () => {
    const cut = {
      ...earlier,
      runs: earlier.runs.filter(({ prompt, group }) => prompt < 2 || group === "static"),
    };
    const results = resultsToGoOn({ ...plan, resume: true }, begun, cut);
    expect(results.runs).toEqual(cut.runs);
    const tasks = missingTasks(plan, results, calibration);
    expect(tasks.map(({ index }) => index)).toEqual([2, 3]);
    const all = earlier.methods.map(methodKey);
    const wanted = all.filter((key) => !key.startsWith("static"));
    for (const { methods } of tasks) expect(methods.toSorted()).toEqual(wanted.toSorted());
  });

  test("a command for one policy drops its runs at these steps, and keeps all others", () => {
    const at20 = wholeResults(20).runs;
    const both = { ...earlier, runs: [...earlier.runs, ...at20] };
    const only = { ...plan, only: ["EasyCache"] };
    const results = resultsToGoOn(only, begun, both);
    expect(results.runs).toEqual([...earlier.runs.filter(({ group }) => group !== "EasyCache"), ...at20]);
    expect(new Set(missingTasks(only, results, calibration).flatMap(({ methods }) => methods))).toEqual(
      new Set(earlier.methods.filter(({ group }) => group === "EasyCache").map(methodKey)),
    );
    expect(results.circumstances).toHaveLength(2);
  });

  test("a command of its own begins with nothing", () => {
    expect(resultsToGoOn(plan, begun, earlier).runs).toEqual([]);
    expect(missingTasks(plan, begun, calibration)).toHaveLength(4);
  });

  test("earlier results of another model, other prompts or other threads are refused in one sentence", () => {
    const model = { name: "other", sha256: "f".repeat(64) };
    const others = {
      "another model": { ...begun, circumstances: [{ ...begun.circumstances[0]!, model }] },
      "other prompts": { ...begun, prompts: evaluationPrompts.slice(4, 8) },
      "other calibration prompts": { ...begun, calibrationPrompts: calibrationPrompts.slice(1) },
      "--threads 1": { ...begun, threads: 2 },
      "--clock wall": { ...begun, clock: "cpu" as const },
    };
    for (const [told, other] of Object.entries(others)) {
      expect(() => resultsToGoOn({ ...plan, resume: true }, other, earlier)).toThrow(
        `The earlier results are of ${told}: measure everything anew, without --resume and --only.`,
      );
    }
  });
});

test("results that were read from a file are gone on with", () => {
  const read = policyResultsSchema.parse(JSON.parse(JSON.stringify(earlier)));
  expect(resultsToGoOn({ ...plan, resume: true }, begun, read).runs).toEqual(earlier.runs);
});

test("the order of the methods changes from prompt to prompt", () => {
  const first = missingTasks(plan, begun, calibration).map(({ methods }) => methods[0]);
  expect(new Set(first).size).toBe(4);
});

test("only the parts of a calibration that a policy needs, and that are not there, are measured", () => {
  const parts = (only: string[]) => [...missingParts({ ...plan, only }, 30, calibration)];
  expect(parts(["EasyCache"])).toEqual([]);
  expect(parts(["MagCache", "TeaCache fitted"]).toSorted()).toEqual(["changes", "magnitudeRatios"]);
  const known = { ...calibration, damage: [[], [1]] };
  expect([...missingParts({ ...plan, only: ["offline schedule"] }, 30, known)]).toEqual([]);
});

test("results survive the round trip through JSON", () => {
  expect(policyResultsSchema.parse(JSON.parse(JSON.stringify(earlier)))).toEqual(earlier);
});
