import type { CacheTrace, TraceStep } from "../caching/index.ts";
import { escapeHtml } from "./escape-html.ts";

const WIDTH = 760;
const PLOT = { left: 48, right: WIDTH - 44 } as const;
const DISTANCE_HEIGHT = 230;
const SMALL_HEIGHT = 56;
const BAND_HEIGHT = 16;
const GAP = 30;

/** Labels closer than this would touch. */
const LINE_HEIGHT = 12;

/**
 * The style sheet inside every chart, for the content policy of a page that shows one. Its colours pass WCAG AA on
 * white and on near-black; every series also has its own shape.
 */
export const SCHEDULE_CHART_STYLE = `
.schedule-chart { --ink: #1f2937; --faint: #5b6472; --grid: #d8dce2; --distance: #1d4ed8; --rate: #0f766e;
  --motion: #b45309; --computed: #1d4ed8; --reused: #dbe3f4;
  font: 12px system-ui, sans-serif; width: 100%; height: auto; display: block }
@media (prefers-color-scheme: dark) {
  .schedule-chart { --ink: #e5e7eb; --faint: #a3acb9; --grid: #39404b; --distance: #7db0ff; --rate: #4fd1c0;
    --motion: #f6ad55; --computed: #7db0ff; --reused: #2c3646 } }
.schedule-chart text { fill: var(--faint) }
.schedule-chart .heading { fill: var(--ink); font-weight: 600 }
.schedule-chart .grid { stroke: var(--grid); fill: none }
.schedule-chart .threshold { stroke: var(--faint); stroke-dasharray: 4 4; fill: none }
.schedule-chart .row { fill: var(--grid); fill-opacity: .35 }
.schedule-chart .held { stroke: var(--distance); stroke-opacity: .35; stroke-width: 2; fill: none }
.schedule-chart .distance { fill: var(--distance) }
.schedule-chart .rate { stroke: var(--rate); stroke-width: 2; fill: none }
.schedule-chart .motion { fill: var(--motion) }
.schedule-chart .motion-line { stroke: var(--motion); stroke-opacity: .5; fill: none }
.schedule-chart .computed { fill: var(--computed) }
.schedule-chart .reused { fill: var(--reused) }`;

interface Panel {
  readonly height: number;
  /** SVG of the panel with its top at y = 0. */
  readonly body: string;
}

/** Where things are across the chart; every denoising step has a cell of one width, 1-based. */
interface Columns {
  readonly steps: number;
  start(step: number): number;
  centre(step: number): number;
}

/**
 * Draws a schedule as an SVG of its own, without script: the distance of every computed step on a logarithmic
 * axis over the codebook's thresholds, the rate it was answered with, the motion score where it was measured,
 * and the steps that were computed and reused. Panels with nothing to show are left out. Follows the reader's
 * light or dark scheme.
 */
export function scheduleChart(trace: CacheTrace): string {
  const columns = columnsOf(trace.steps);
  const computed = trace.schedule.filter((step) => step.computed);
  const panels = [
    distancePanel(trace, computed, columns),
    ratePanel(trace, computed, columns),
    motionPanel(computed, columns),
    bandPanel(trace, columns),
  ].filter((panel) => panel !== null);

  let top = 8;
  const placed = panels.map(({ height, body }) => {
    const group = `<g transform="translate(0 ${top})">${body}</g>`;
    top += height + GAP;
    return group;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="schedule-chart" viewBox="0 0 ${WIDTH} ${top + 8}"`,
    ` role="img" aria-labelledby="schedule-title schedule-description">`,
    `<title id="schedule-title">Caching schedule of ${escapeHtml(trace.model)}, ${escapeHtml(trace.cache)}</title>`,
    `<desc id="schedule-description">${escapeHtml(describe(trace, computed))}</desc>`,
    `<style>${SCHEDULE_CHART_STYLE}</style>`,
    ...placed,
    "</svg>",
  ].join("");
}

function describe(trace: CacheTrace, computed: readonly TraceStep[]): string {
  const steps = computed.map(({ step }) => step).join(", ");
  const warmup = trace.warmup > 0 ? ` The first ${trace.warmup} were a warm-up.` : "";
  return `${computed.length} of ${trace.steps} denoising steps were computed: ${steps}. The others were reused.${warmup}`;
}

function columnsOf(steps: number): Columns {
  const width = (PLOT.right - PLOT.left) / Math.max(steps, 1);
  return {
    steps,
    start: (step) => round(PLOT.left + (step - 1) * width),
    centre: (step) => round(PLOT.left + (step - 0.5) * width),
  };
}

/** Policies without a codebook compare nothing: then the change of the probe is what there is to see. */
function distancePanel(trace: CacheTrace, computed: readonly TraceStep[], columns: Columns): Panel | null {
  const hasDistance = computed.some(({ distance }) => distance !== null);
  const drawn = ({ distance, change }: TraceStep) => (hasDistance ? distance : change);
  const measured = computed.filter((step) => drawn(step) !== null);
  if (measured.length === 0) return null;

  const thresholds = (trace.codebook ?? []).flatMap(({ below }) => below ?? []);
  const positive = [...measured.map((step) => drawn(step)!), ...thresholds].filter((value) => value > 0);
  const low = positive.length > 0 ? Math.min(...positive) / 1.5 : 0.01;
  const high = positive.length > 0 ? Math.max(...positive) * 1.6 : 1;
  const y = (value: number) => {
    // A distance of 0 has no logarithm; it lies on the floor.
    const inside = Math.max(value, low);
    return round(24 + (DISTANCE_HEIGHT - 24) * (1 - Math.log(inside / low) / Math.log(high / low)));
  };

  const name = hasDistance ? "Distance" : "Relative L1 change of the probe";
  const points = measured.map((step) => {
    const value = drawn(step)!;
    const rate = step.rate === null ? "" : `, rate ${step.rate}`;
    const label = `step ${step.step}: ${number(value)}${rate}`;
    return `<circle class="distance" cx="${columns.centre(step.step)}" cy="${y(value)}" r="4"><title>${label}</title></circle>`;
  });
  const held = measured.map((step) => {
    const next = nextComputed(step, computed, trace.steps);
    const until = next > trace.steps ? PLOT.right : columns.centre(next);
    return `M${columns.centre(step.step)} ${y(drawn(step)!)}H${until}`;
  });
  const clearOfThresholds = logTicks(low, high).filter((tick) =>
    thresholds.every((threshold) => Math.abs(y(threshold) - y(tick)) >= LINE_HEIGHT),
  );
  return {
    height: DISTANCE_HEIGHT,
    body: [
      heading(`${name} (logarithmic)`),
      ...codebookRows(trace, y, low, high),
      ...clearOfThresholds.map((value) => axisLine(y(value), number(value))),
      `<path class="held" d="${held.join("")}"/>`,
      ...points,
    ].join(""),
  };
}

/**
 * A dashed, labelled line at each threshold; at the right, between two, the rate that a distance there is
 * answered with.
 */
function codebookRows(trace: CacheTrace, y: (value: number) => number, low: number, high: number): string[] {
  if (!trace.codebook) return [];
  const parts = [`<text class="heading" x="${PLOT.right + 8}" y="10">Rate</text>`];
  let above = low;
  let lastThreshold = Infinity;
  let lastRate = Infinity;
  for (const [index, { below, rate }] of trace.codebook.entries()) {
    const bottom = y(above);
    const top = y(below ?? high);
    if (index % 2 === 0) {
      parts.push(
        `<rect class="row" x="${PLOT.left}" y="${top}" width="${PLOT.right - PLOT.left}" height="${round(bottom - top)}"/>`,
      );
    }
    if (below !== null) parts.push(`<path class="threshold" d="M${PLOT.left} ${top}H${PLOT.right}"/>`);
    // Rows may lie closer together than lines of text.
    if (below !== null && lastThreshold - top >= LINE_HEIGHT) {
      parts.push(
        `<text x="${PLOT.left - 8}" y="${round(top + 4)}" text-anchor="end">${number(below)}</text>`,
      );
      lastThreshold = top;
    }
    const middle = (bottom + top) / 2;
    if (lastRate - middle >= LINE_HEIGHT) {
      parts.push(`<text x="${PLOT.right + 8}" y="${round(middle + 4)}">${rate}</text>`);
      lastRate = middle;
    }
    above = below ?? high;
  }
  return parts;
}

function ratePanel(trace: CacheTrace, computed: readonly TraceStep[], columns: Columns): Panel | null {
  const decided = computed.filter(({ rate }) => rate !== null);
  if (decided.length === 0) return null;
  const highest = Math.max(
    2,
    ...decided.map(({ rate }) => rate!),
    ...(trace.codebook ?? []).map(({ rate }) => rate),
  );
  const y = linear(highest);
  const path = decided.map((step, index) => {
    const from = `${columns.start(step.step)} ${y(step.rate!)}`;
    return `${index === 0 ? "M" : "L"}${from}H${columns.start(nextComputed(step, computed, trace.steps))}`;
  });
  return {
    height: SMALL_HEIGHT,
    body: [
      heading("Rate: steps to the next computed one"),
      ...[1, highest].map((value) => axisLine(y(value), String(value))),
      `<path class="rate" d="${path.join("")}"/>`,
    ].join(""),
  };
}

function motionPanel(computed: readonly TraceStep[], columns: Columns): Panel | null {
  const measured = computed.filter(({ motionScore }) => motionScore !== null);
  if (measured.length === 0) return null;
  const highest = niceAbove(Math.max(...measured.map(({ motionScore }) => motionScore!)));
  const y = linear(highest);
  const at = measured.map(({ step, motionScore }) => `${columns.centre(step)} ${y(motionScore!)}`);
  const marks = measured.map((step) => {
    const x = columns.centre(step.step);
    const label = `step ${step.step}: motion score ${number(step.motionScore!)}`;
    return `<path class="motion" d="M${x} ${y(step.motionScore!) - 4}l4 4l-4 4l-4 -4z"><title>${label}</title></path>`;
  });
  return {
    height: SMALL_HEIGHT,
    body: [
      heading("Motion score"),
      ...[0, highest].map((value) => axisLine(y(value), number(value))),
      `<path class="motion-line" d="M${at.join("L")}"/>`,
      ...marks,
    ].join(""),
  };
}

function bandPanel(trace: CacheTrace, columns: Columns): Panel {
  const top = 24;
  const cellWidth = (PLOT.right - PLOT.left) / columns.steps;
  const width = round(Math.max(cellWidth - (cellWidth > 5 ? 1.5 : 0), 0.1));
  const cells = (wanted: boolean) =>
    trace.schedule
      .filter(({ computed }) => computed === wanted)
      .map(({ step }) => `M${columns.start(step)} ${top}h${width}v${BAND_HEIGHT}h${-width}z`)
      .join("");
  const ticks = stepTicks(columns.steps).map(
    (step) =>
      `<text x="${columns.centre(step)}" y="${top + BAND_HEIGHT + 16}" text-anchor="middle">${step}</text>`,
  );
  return {
    height: top + BAND_HEIGHT,
    body: [
      heading("Denoising steps"),
      `<rect class="computed" x="${PLOT.right - 146}" y="0" width="11" height="11"/>`,
      `<text x="${PLOT.right - 130}" y="10">computed</text>`,
      `<rect class="reused" x="${PLOT.right - 60}" y="0" width="11" height="11"/>`,
      `<text x="${PLOT.right - 44}" y="10">reused</text>`,
      `<path class="reused" d="${cells(false)}"/><path class="computed" d="${cells(true)}"/>`,
      ...ticks,
    ].join(""),
  };
}

const heading = (text: string) => `<text class="heading" x="${PLOT.left}" y="10">${text}</text>`;

const axisLine = (y: number, label: string) =>
  `<path class="grid" d="M${PLOT.left} ${y}H${PLOT.right}"/>` +
  `<text x="${PLOT.left - 8}" y="${round(y + 4)}" text-anchor="end">${label}</text>`;

const linear = (highest: number) => (value: number) =>
  round(24 + (SMALL_HEIGHT - 24) * (1 - value / highest));

/** The step where what `step` decided ends; one past the last for the last computed step. */
function nextComputed({ step }: TraceStep, computed: readonly TraceStep[], steps: number): number {
  return computed.find((later) => later.step > step)?.step ?? steps + 1;
}

/**
 * 1, 2 and 5 times the powers of ten inside (low, high), or the powers alone when those would be too many.
 */
function logTicks(low: number, high: number): number[] {
  const ticks: number[] = [];
  const multiples = high / low > 200 ? [1] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    ticks.push(...multiples.map((multiple) => Number(`${multiple}e${power}`)));
  }
  return ticks.filter((tick) => tick > low && tick < high);
}

/** The first step, the last, and about ten round ones between that keep clear of both. */
function stepTicks(steps: number): number[] {
  const apart =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((candidate) => steps / candidate <= 12) ?? steps;
  const ticks = [1];
  for (let step = apart === 1 ? 2 : apart; step <= steps - apart / 2; step += apart)
    if (step > 1) ticks.push(step);
  if (steps > 1) ticks.push(steps);
  return ticks;
}

function niceAbove(value: number): number {
  return [0.1, 0.2, 0.5].find((candidate) => value <= candidate) ?? Math.max(1, Math.ceil(value));
}

const round = (value: number) => Math.round(value * 100) / 100;

const number = (value: number) => String(Number(value.toPrecision(3)));
