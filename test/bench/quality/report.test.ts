import { describe, expect, test } from "vitest";
import { methodsFor, STEP_COUNTS } from "../../../tools/bench/methods.ts";
import { qualityChart } from "../../../tools/bench/quality/chart.ts";
import { CHART_FILE, qualityReport } from "../../../tools/bench/quality/report.ts";
import { assertWellFormed } from "../../generation/chart/markup.ts";
import { sampleQualityResults } from "../sample-results.ts";

describe("the report", () => {
  const report = qualityReport(sampleQualityResults());

  test("the report has a row for every method at every length", () => {
    for (const steps of STEP_COUNTS) {
      const section = report.split(`### ${steps} steps`)[1]!.split("###")[0]!;
      for (const { name } of methodsFor(steps)) expect(section).toContain(`| ${name} |`);
    }
  });

  test("the report says where, when and with what it was measured, and what it does not show", () => {
    for (const words of [
      "Sample CPU, 2 cores",
      "2026-01-31",
      "Node 20.19.0",
      "0123456789abcdef over",
      CHART_FILE,
    ])
      expect(report).toContain(words);
    expect(report).toContain("not how good a video looks");
  });

  test("the report holds the aim against the measured value", () => {
    const fast = report
      .split("### Aim")[1]!
      .split("\n")
      .filter((line) => line.startsWith("| AdaCache fast"));
    expect(fast).toHaveLength(2);
    expect(fast[0]).toContain("| 2.88 (2.88–2.88) | yes |");
  });

  test("the report does not call an aim met that was missed", () => {
    const results = sampleQualityResults();
    const slow = results.runs.map((run) => ({ ...run, denoiseSeconds: run.referenceSeconds / 2.19 }));
    const aim = qualityReport({ ...results, runs: slow }).split("### Aim")[1]!;
    expect(aim).toContain("| 2.19 (2.19–2.19) | no |");
    expect(aim).not.toContain("yes");
  });

  test("the report can be made from a subset of the methods", () => {
    const results = sampleQualityResults();
    const runs = results.runs.filter(({ steps, method }) => steps === 30 && method.startsWith("static"));
    expect(qualityReport({ ...results, runs })).toContain("| static:2 |");
  });
});

describe("the chart", () => {
  const results = sampleQualityResults();

  test("the chart is well-formed and has a mark for every method that changes a video", () => {
    const svg = qualityChart(results);
    assertWellFormed(svg);
    const marks = svg.match(/class="mark/g) ?? [];
    expect(marks).toHaveLength(STEP_COUNTS.reduce((sum, steps) => sum + methodsFor(steps).length - 1, 0));
  });

  test("the chart leaves out a method that changed no video instead of drawing a made-up value", () => {
    const runs = results.runs.map((run) => (run.method === "AdaCache slow" ? { ...run, psnr: null } : run));
    const svg = qualityChart({ ...results, runs });
    expect(svg).not.toContain("NaN");
    expect(svg).not.toContain("AdaCache slow:");
    expect(svg).toContain("AdaCache slow, motion:");
  });

  test("the chart puts more decibels higher and more computed steps further right", () => {
    const marks = [...qualityChart(results).matchAll(/<path class="mark" d="M([\d.]+) ([\d.]+)a2.5/g)];
    const fewer = marks.slice(0, 5).map(([, x, y]) => ({ x: Number(x), y: Number(y) }));
    expect(fewer).toHaveLength(5);
    for (const [index, { x, y }] of fewer.slice(1).entries()) {
      expect(x).toBeGreaterThan(fewer[index]!.x);
      expect(y).toBeLessThan(fewer[index]!.y);
    }
  });
});
