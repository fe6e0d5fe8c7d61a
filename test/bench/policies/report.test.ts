import { describe, expect, test } from "vitest";
import { aimsOf } from "../../../tools/bench/policies/aims.ts";
import { policyChart } from "../../../tools/bench/policies/chart.ts";
import { comparisonOf } from "../../../tools/bench/policies/curves.ts";
import { OWN_CURVE } from "../../../tools/bench/policies/methods.ts";
import { POLICY_STEP_COUNTS } from "../../../tools/bench/policies/options.ts";
import { isComplete } from "../../../tools/bench/policies/policies.ts";
import { evaluationPrompts } from "../../../tools/bench/policies/prompts.ts";
import { policyReport } from "../../../tools/bench/policies/report.ts";
import { policyResultsSchema, REFERENCE_GROUP } from "../../../tools/bench/policies/results.ts";
import { sampleMethod, sampleResults, sampleRun, wholeResults } from "./sample-policies.ts";

const OWN = OWN_CURVE;

/** PSNR of four prompts at a share of the time; the others differ from it by a constant. */
const quality = (time: number, prompt: number) => 20 + 40 * time + prompt;

/**
 * Results in which the product's own policy is `ahead` dB better than the best rival and 1 dB below the reference. A
 * variant is better than all.
 */
function withOwn(ahead: (prompt: number) => number) {
  const curves = [
    { group: "AdaCache, motion", role: "product", labels: ["slow", "fast"], above: () => -8 },
    { group: "EasyCache", role: "rival", labels: ["0.1", "0.2"], above: () => 0 },
    { group: "TeaCache raw", role: "rival", labels: ["0.1", "0.2"], above: () => -2 },
    { group: "a variant", role: "variant", labels: ["1", "2"], above: () => 30 },
    { group: OWN, role: "ours", labels: ["17", "7"], above: ahead },
    {
      group: "offline schedule",
      role: "reference",
      labels: ["K17", "K7"],
      above: (prompt: number) => ahead(prompt) + 1,
    },
  ] as const;
  const methods = curves.flatMap(({ group, role, labels }) =>
    labels.map((label) => sampleMethod(group, label, role)),
  );
  const runs = curves.flatMap(({ group, labels, above }) =>
    labels.flatMap((label, index) =>
      [0, 1, 2, 3].map((prompt) => {
        const time = index === 0 ? 0.6 : 0.25;
        return sampleRun({
          prompt,
          group,
          label,
          denoiseSeconds: time,
          psnr: quality(time, prompt) + above(prompt),
        });
      }),
    ),
  );
  return sampleResults(4, methods, runs);
}

describe("the aims", () => {
  const comparison = comparisonOf(
    withOwn(() => 4),
    30,
  );
  const own = comparison.curves.find(({ group }) => group === OWN)!;
  const aims = aimsOf(comparison, own);

  test("an own policy is compared with the old default, the best published rival and the reference", () => {
    const compared = aims.map(({ against, statistic, goal }) => `${against}: ${statistic} ${goal}`);
    expect(compared.slice(0, 3)).toEqual([
      "AdaCache, motion fast, at its time: mean 8",
      "AdaCache, motion fast, at its time: p10 10",
      "AdaCache, motion fast, at its time: worst 10",
    ]);
    const at10 = compared.filter((line) => line.includes("time of 10 of"));
    expect(at10).toEqual([
      "best online rival (EasyCache), in the time of 10 of 30 steps: mean 3",
      "offline reference (offline schedule), in the time of 10 of 30 steps: mean -1",
      "best online rival (EasyCache), in the time of 10 of 30 steps: p10 3",
      "offline reference (offline schedule), in the time of 10 of 30 steps: p10 -1",
    ]);
    expect(compared).toHaveLength(3 + 4 * 4);
  });

  test("a lead of 4 dB on every prompt meets 3 dB, and 12 dB over the default meets 10", () => {
    for (const { measured, goal, verdict } of aims) {
      expect(measured!.estimate).toBeCloseTo(goal === 3 ? 4 : goal === -1 ? -1 : 12, 9);
      if (goal !== -1) expect(verdict).toBe("met");
    }
  });

  test("a lead that some prompts do not have is told as chance", () => {
    const report = policyReport(withOwn((prompt) => [9, 5, -1, 3][prompt]!));
    expect(report).toMatch(
      /\| best online rival \(EasyCache\), in the time of 10 of 30 steps \| mean \|.*may be chance \|/,
    );
  });

  test("aims of a run without the own policy are not claimed", () => {
    const { runs, ...others } = wholeResults();
    const rivals = { ...others, runs: runs.filter(({ group }) => group !== OWN) };
    expect(policyReport(rivals)).toContain("which this run did not measure");
  });
});

describe("the report", () => {
  const results = wholeResults();
  const report = policyReport({
    ...results,
    runs: [...results.runs, sampleRun({ group: REFERENCE_GROUP, label: "", psnr: null, computed: 30 })],
  });

  test("every method has a row with computed steps, time, PSNR and SSIM, and every policy its source", () => {
    for (const { group, label, isDefault, source } of results.methods) {
      expect.soft(report).toContain(`| ${group} | ${isDefault ? `**${label}**` : label} | 10.0 |`);
      expect.soft(report).toContain(`${source}.`);
    }
    expect(report).toContain(`| ${REFERENCE_GROUP} |  | 30.0 | 0.400 | 100.0 |`);
  });

  test("the quality of each kind of motion is told in the order of the heading", () => {
    const row = report.split("\n").find((line) => line.startsWith("| fewer steps | **17** |"))!;
    // A method with a share of 0.2 of the time: 28 dB, and one more with each prompt.
    expect(row).toContain("| 28.0 / 29.0 / 30.0 / 31.0 |");
    expect(report).toContain("PSNR: still / slow / fast / bounce");
  });

  test("curves that are better than the yardstick on every prompt are called better, and worse ones worse", () => {
    const compared = policyReport(withOwn(() => 4));
    expect(compared).toMatch(/\| EasyCache \| \+8\.0 \(\+8\.0 to \+8\.0\) better \|/);
    const other = policyReport(
      withOwn(() => 4),
      { group: OWN, label: "7" },
    );
    expect(other).toContain(`Difference to ${OWN} 7 at equal mean time`);
    expect(other).toMatch(/\| TeaCache raw \| −6\.0 \(−6\.0 to −6\.0\) worse \|/);
  });

  test("numbers of steps that were not measured have no section", () => {
    expect(report).toContain("### Policies at 30 steps");
    expect(report).not.toContain("### Policies at 20 steps");
  });

  test("no number of the report is NaN or infinite", () => {
    expect(report).not.toMatch(/NaN|Infinity|undefined/);
  });
});

test("only a run of all policies on all prompts at all numbers of steps is complete", () => {
  const of = (steps: number) => wholeResults(steps, evaluationPrompts.length);
  const all = POLICY_STEP_COUNTS.map(of);
  const whole = {
    ...all[0]!,
    methods: all.flatMap(({ methods }) => methods),
    runs: all.flatMap(({ runs }) => runs),
  };
  expect(isComplete(whole)).toBe(true);
  expect(isComplete(policyResultsSchema.parse(JSON.parse(JSON.stringify(whole))))).toBe(true);
  expect(isComplete({ ...whole, runs: whole.runs.filter(({ steps }) => steps !== 50) })).toBe(false);
  expect(isComplete({ ...whole, runs: whole.runs.filter(({ group }) => group !== "DiCache") })).toBe(false);
  expect(isComplete({ ...whole, runs: whole.runs.slice(1) })).toBe(false);
  expect(isComplete(wholeResults())).toBe(false);
});

describe("the chart", () => {
  const svg = policyChart(wholeResults());

  test("each number of steps has a panel over time, one of the 10th percentile, and one over computed steps", () => {
    expect(svg.match(/30 denoising steps</g)).toHaveLength(3);
    expect(svg.match(/denoising time as a share/g)).toHaveLength(2);
  });

  test("every setting has a mark that names it, and no number is broken", () => {
    const { methods } = wholeResults();
    for (const { group, label } of methods) expect.soft(svg).toContain(`<title>${group} ${label}</title>`);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });
});
