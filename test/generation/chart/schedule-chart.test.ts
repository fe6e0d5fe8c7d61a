import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CacheTrace } from "../../../lib/generation/caching/index.ts";
import { scheduleChart } from "../../../lib/generation/chart/index.ts";
import { assertWellFormed } from "./markup.ts";
import { sampleTrace } from "./sample-trace.ts";

const count = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].length;

describe.each([
  ["fast", 30, true],
  ["fast", 100, false],
  ["slow", 30, true],
] as const)("the chart of %s at %i steps", (cache, steps, motion) => {
  const trace = sampleTrace(cache, { steps, motion });
  const chart = scheduleChart(trace);

  test("the chart is well-formed and has no script", () => {
    assertWellFormed(chart);
    expect(chart).not.toMatch(/<script|javascript:| on[a-z]+=/);
  });

  test("the chart puts every distance between the thresholds of the row that gave its rate", () => {
    // Smaller distances are lower on the screen, so the line of `below` is above the point.
    const lines = [...chart.matchAll(/class="threshold" d="M[\d.]+ ([\d.]+)H/g)].map(([, y]) => Number(y));
    const points = [...chart.matchAll(/cy="([\d.]+)" r="4"><title>step \d+: [\d.]+, rate (\d+)</g)];
    const rates = trace.codebook!.map(({ rate }) => rate);
    expect(lines.length).toBe(rates.length - 1);
    expect(points.length).toBe(trace.schedule.filter(({ distance }) => distance !== null).length);
    for (const [, y, rate] of points) {
      const row = rates.indexOf(Number(rate));
      expect(Number(y)).toBeGreaterThanOrEqual(lines[row] ?? 0);
      expect(Number(y)).toBeLessThanOrEqual(lines[row - 1] ?? 1000);
    }
  });

  test("the chart has a cell in the band for every step", () => {
    const cells = (kind: string) =>
      count(chart.match(new RegExp(`<path class="${kind}" d="([^"]*)"`))![1]!, /M/g);
    const computed = trace.schedule.filter((step) => step.computed).length;
    expect([cells("computed"), cells("reused")]).toEqual([computed, steps - computed]);
  });

  test("the chart is one picture to assistive technology, with a name and a description", () => {
    expect(chart).toMatch(/^<svg [^>]*role="img" aria-labelledby="schedule-title schedule-description">/);
    expect(chart).toContain(`<title id="schedule-title">Caching schedule of models/demo, ${cache}</title>`);
    expect(chart).toContain('<desc id="schedule-description">');
  });

  test("the chart says in words which steps were computed", () => {
    const computed = trace.schedule.filter((step) => step.computed).map(({ step }) => step);
    expect(chart).toContain(
      `${computed.length} of ${steps} denoising steps were computed: ${computed.join(", ")}.`,
    );
  });
});

test("the chart of a change without distances shows the change and neither thresholds nor a rate", () => {
  // Receipts of static policies looked like this before policies had columns of their own.
  const { schedule, ...trace } = sampleTrace("static:3");
  const values = { change: 0.1, motionScore: null, motionFactor: null, distance: null, rate: null };
  const measured = schedule.map((step) => ({ ...step, ...(step.computed && values) }));
  const chart = scheduleChart({ ...trace, schedule: measured });
  assertWellFormed(chart);
  expect(chart).toContain("Relative L1 change of the probe");
  expect(chart).not.toMatch(/class="threshold"|>Rate/);
});

describe("the labels of a chart", () => {
  /** Returns the texts of a chart with their places, where they are inside a panel. */
  const labelsOf = (chart: string) =>
    [...chart.matchAll(/<text x="([\d.]+)" y="([\d.]+)"(?: text-anchor="\w+")?>([^<]*)</g)].map(
      ([, x, y, text]) => ({ x: Number(x), y: Number(y), text: text! }),
    );
  const close = [0.1, 0.101, 0.102, 0.103, 0.104, 0.5, 0.501].map((below, index) => ({
    below,
    rate: 9 - index,
  }));
  const codebook = [...close, { below: null, rate: 1 }];

  test.each([362, 760])(
    "a chart of %i pixels has all of them, a line apart, however close its bands are",
    (width) => {
      const chart = scheduleChart({ ...sampleTrace("fast"), codebook }, width);
      assertWellFormed(chart);
      const labels = labelsOf(chart);
      const right = labels.filter(({ x }) => x === width - 36);
      expect(right.map(({ text }) => text)).toEqual(codebook.map(({ rate }) => String(rate)));
      const left = close.map(({ below }) => labels.find(({ text }) => text === String(below))!);
      for (const column of [left, right]) {
        for (const [index, { y }] of column.entries()) {
          if (index > 0) expect(column[index - 1]!.y - y).toBeGreaterThanOrEqual(12 - 0.02);
          expect(y).toBeGreaterThan(20);
          expect(y).toBeLessThan(240);
        }
      }
      expect(chart).toContain('class="leader"');
    },
  );

  test.each([362, 760])("a chart of %i pixels keeps them inside, and its steps' numbers apart", (width) => {
    const chart = scheduleChart(sampleTrace("fast", { steps: 1000 }), width);
    expect(chart).toContain(`viewBox="0 0 ${width} `);
    for (const { x } of labelsOf(chart)) expect(x).toBeLessThan(width);
    const steps = [...chart.matchAll(/<text x="([\d.]+)" y="\d+" text-anchor="middle">(\d+)</g)];
    const places = steps.map(([, x]) => Number(x));
    expect(steps.at(-1)![2]).toBe("1000");
    for (const [index, x] of places.entries()) {
      if (index > 0) expect(x - places[index - 1]!).toBeGreaterThanOrEqual(25);
    }
  });

  test("bands that leave room for their labels have no lines to them", () => {
    expect(scheduleChart(sampleTrace("slow"))).not.toContain('class="leader"');
  });
});

test("the chart tells the warm-up", () => {
  const chart = scheduleChart({ ...sampleTrace("fast"), warmup: 7 });
  expect(chart).toContain(" The others were reused. The first 7 were a warm-up.</desc>");
  expect(scheduleChart(sampleTrace("fast"))).toContain(" The others were reused.</desc>");
});

test("a model's name is shown as text, not markup", () => {
  const chart = scheduleChart(sampleTrace("fast", { model: `<b>"x" & y</b>` }));
  assertWellFormed(chart);
  expect(chart).toContain("&lt;b&gt;&quot;x&quot; &amp; y&lt;/b&gt;");
});

test("any trace gives a well-formed chart of finite numbers", () => {
  const measured = fc.option(fc.oneof(fc.constant(0), fc.double({ min: 1e-9, max: 1e6, noNaN: true })));
  const step = fc.record({
    computed: fc.boolean(),
    change: measured,
    motionScore: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    motionFactor: measured,
    distance: measured,
    rate: fc.option(fc.integer({ min: 1, max: 20 })),
  });
  const codebook = fc.option(
    fc.constant([
      { below: 0.1, rate: 4 },
      { below: null, rate: 1 },
    ] as { below: number | null; rate: number }[]),
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), codebook, (steps, rows) => {
      const schedule = steps.map((each, index) => ({ ...each, step: index + 1 }));
      const trace: CacheTrace = {
        model: "m",
        steps: steps.length,
        cache: "c",
        ...(rows && { codebook: rows }),
        motion: null,
        warmup: 0,
        schedule,
      };
      const chart = scheduleChart(trace);
      assertWellFormed(chart);
      expect(chart).not.toMatch(/NaN|Infinity|undefined|null/);
    }),
  );
});

test("a policy that writes no column has a chart of its steps alone", () => {
  const chart = scheduleChart(sampleTrace("static:3"));
  assertWellFormed(chart);
  expect(count(chart, /class="heading"/g)).toBe(1);
});

test("the chart runs anywhere: its files import only each other, the policies and types", () => {
  const folder = "lib/generation/chart";
  for (const file of readdirSync(folder)) {
    const imports = readFileSync(join(folder, file), "utf8").match(/^(import|export) (?!type ).* from .*$/gm);
    for (const line of imports ?? []) expect(line).toMatch(/from "(\.|\.\.\/caching)\/[a-z-]+\.tsx?";$/);
  }
});
