import { type MethodFamily, methodsFor } from "../methods.ts";
import { type Box, placeLabels } from "./label-placement.ts";
import { type QualityResults, runsOf, stepCountsOf, summarise } from "./results.ts";

const WIDTH = 820;
const PLOT = { left: 52, right: WIDTH - 28, top: 56, height: 300 } as const;
const PANEL_HEIGHT = PLOT.top + PLOT.height + 48;
const RADIUS = 5;

/**
 * Style sheet of the chart. The colours pass WCAG AA on light and dark paper, and every family also has its
 * own shape.
 */
const STYLE = `
svg { --paper: #ffffff; --ink: #1f2937; --faint: #5b6472; --grid: #e3e6ea; --fewer: #5b6472; --static: #b45309;
  --fast: #1d4ed8; --slow: #0f766e; font: 12px system-ui, -apple-system, "Segoe UI", sans-serif }
@media (prefers-color-scheme: dark) {
  svg { --paper: #12161d; --ink: #e5e7eb; --faint: #a3acb9; --grid: #2b323c; --fewer: #a3acb9; --static: #f6ad55;
    --fast: #7db0ff; --slow: #4fd1c0 } }
text { fill: var(--faint) }
.paper { fill: var(--paper); stroke: var(--grid) }
.title { fill: var(--ink); font-size: 15px; font-weight: 600 }
.grid { stroke: var(--grid); fill: none }
.axis { stroke: var(--faint); fill: none }
.mark { stroke-width: 2 }
.line { fill: none; stroke-width: 1.5; stroke-opacity: .55 }
.label { stroke: var(--paper); stroke-width: 3; paint-order: stroke; stroke-linejoin: round }
.reach { fill: none; stroke-width: 1.5; stroke-opacity: .45 }
${(["fewer", "static", "fast", "slow"] as const)
  .map(
    (family) =>
      `.${family} { --series: var(--${family}) } .${family} text { fill: var(--series) } ` +
      `.${family} .mark { fill: var(--series); stroke: var(--series) } .${family} .hollow { fill: var(--paper) } ` +
      `.${family} .line, .${family} .reach { stroke: var(--series) }`,
  )
  .join("\n")}`;

interface Point {
  readonly family: Exclude<MethodFamily, "none">;
  readonly name: string;
  readonly label: string | null;
  readonly isHollow: boolean;
  /** Mean computed steps. */
  readonly computed: number;
  /** PSNR in dB. */
  readonly psnr: number;
  readonly p10: number;
}

interface Scale {
  (value: number): number;
  readonly ticks: readonly number[];
}

/**
 * Draws PSNR over computed steps as a standalone SVG: a panel for each number of denoising steps, a mark for
 * each method, and a thin line from its mean down to its 10th percentile. The chart follows the reader's
 * light or dark scheme.
 */
export function qualityChart(results: QualityResults): string {
  const panels = stepCountsOf(results).map((steps) => ({ steps, points: pointsOf(results, steps) }));
  const all = panels.flatMap(({ points }) => points.flatMap(({ psnr, p10 }) => [psnr, Math.min(psnr, p10)]));
  const y = decibels(all);
  const drawn = panels.map(({ steps, points }, index) => {
    const body = panel(steps, points, y);
    return `<g transform="translate(0 ${index * PANEL_HEIGHT})">${body}</g>`;
  });
  const height = panels.length * PANEL_HEIGHT + 8;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" ` +
      `role="img" aria-labelledby="title description">`,
    `<title id="title">Quality over computed steps</title>`,
    `<desc id="description">${panels.map(({ steps, points }) => describe(steps, points)).join(" ")}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    ...drawn,
    "</svg>\n",
  ].join("\n");
}

function pointsOf(results: QualityResults, steps: number): Point[] {
  const methods = methodsFor(steps).filter((method) => method.family !== "none");
  const plain = methods.filter(({ family }) => family === "fewer").at(-1);
  return methods.flatMap((method) => {
    const runs = runsOf(results, steps, method);
    if (runs.length === 0) return [];
    const { computed, psnr } = summarise(runs);
    // If all videos of a method are identical to the reference, PSNR is infinite; only the table shows the method.
    if (psnr.mean === null) return [];
    // The line of plain samplers has one label; the axis shows its steps.
    const isTold = method.family !== "fewer" || method === plain;
    const label = method.family === "fewer" ? "fewer steps, no cache" : method.name;
    return [
      {
        family: method.family as Point["family"],
        name: method.name,
        label: isTold ? label : null,
        isHollow: method.motion,
        computed: computed.mean,
        psnr: psnr.mean,
        p10: Math.min(psnr.p10, psnr.mean),
      },
    ];
  });
}

function describe(steps: number, points: readonly Point[]): string {
  const told = points.map(
    ({ name, computed, psnr }) => `${name} ${psnr.toFixed(1)} dB at ${computed.toFixed(1)}`,
  );
  return `Of ${steps} denoising steps, mean PSNR at mean computed steps: ${told.join(", ")}.`;
}

function panel(steps: number, points: readonly Point[], y: Scale): string {
  const x = computedSteps(points.map(({ computed }) => computed));
  const bottom = PLOT.top + PLOT.height;
  const rows = y.ticks.map(
    (tick) =>
      `<path class="grid" d="M${PLOT.left} ${y(tick)}H${PLOT.right}"/>` +
      `<text x="${PLOT.left - 10}" y="${round(y(tick) + 4)}" text-anchor="end">${tick}</text>`,
  );
  const columns = x.ticks.map(
    (tick) =>
      `<path class="axis" d="M${x(tick)} ${bottom}v5"/>` +
      `<text x="${x(tick)}" y="${bottom + 19}" text-anchor="middle">${tick}</text>`,
  );
  const families = ["fewer", "static", "fast", "slow"] as const;
  const labels = labelsOf(points, x, y);
  return [
    `<text class="title" x="${PLOT.left}" y="28">${steps} denoising steps</text>`,
    `<text x="${PLOT.left}" y="45">PSNR against no cache in dB: mean, and line down to the 10th percentile</text>`,
    ...rows,
    `<path class="axis" d="M${PLOT.left} ${bottom}H${PLOT.right}"/>`,
    ...columns,
    `<text x="${PLOT.right}" y="${bottom + 36}" text-anchor="end">computed steps, mean (logarithmic)</text>`,
    ...families.map((family) => {
      const own = points.filter((point) => point.family === family);
      const told = labels.filter(({ point }) => point.family === family);
      return `<g class="${family}">${series(own, x, y)}${told.map(({ svg }) => svg).join("")}</g>`;
    }),
  ].join("\n");
}

function series(points: readonly Point[], x: Scale, y: Scale): string {
  const path = points.map(({ computed, psnr }) => `${x(computed)} ${y(psnr)}`).join("L");
  const line = points.length > 1 ? `<path class="line" d="M${path}"/>` : "";
  const marks = points.map((point) => {
    const at = x(point.computed);
    const top = y(point.psnr);
    const told = `${point.name}: ${point.computed.toFixed(1)} steps, ${point.psnr.toFixed(1)} dB, p10 ${point.p10.toFixed(1)} dB`;
    return (
      `<path class="reach" d="M${at} ${top}V${y(point.p10)}m-3 0h6"/>` +
      `<path class="mark${point.isHollow ? " hollow" : ""}" d="${shape(point.family, at, top)}"><title>${told}</title></path>`
    );
  });
  return line + marks.join("");
}

function shape(family: Point["family"], x: number, y: number): string {
  const r = family === "fewer" ? 2.5 : RADIUS;
  switch (family) {
    case "static":
      return `M${round(x - r + 0.5)} ${round(y - r + 0.5)}h${2 * r - 1}v${2 * r - 1}h${1 - 2 * r}z`;
    case "slow":
      return `M${x} ${round(y - r - 1)}l${r + 1} ${r + 1}l${-r - 1} ${r + 1}l${-r - 1} ${-r - 1}z`;
    default:
      return `M${round(x - r)} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
  }
}

function labelsOf(points: readonly Point[], x: Scale, y: Scale): { point: Point; svg: string }[] {
  const told = points.filter(({ label }) => label !== null);
  const requests = told.map(({ label, computed, psnr }) => ({
    text: label!,
    x: x(computed),
    y: y(psnr),
  }));
  const bounds = { left: PLOT.left, top: PLOT.top, right: PLOT.right, bottom: PLOT.top + PLOT.height };
  return placeLabels(requests, obstaclesOf(points, x, y), bounds).map(({ text, x, y, anchor }, index) => ({
    point: told[index]!,
    svg: `<text class="label" x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${text}</text>`,
  }));
}

/** Returns the boxes of marks, of the lines below them, and of the lines between them in pieces. */
function obstaclesOf(points: readonly Point[], x: Scale, y: Scale): Box[] {
  const around = (cx: number, cy: number, r: number): Box => ({
    left: cx - r,
    top: cy - r,
    right: cx + r,
    bottom: cy + r,
  });
  return points.flatMap((point, index) => {
    const [cx, cy] = [x(point.computed), y(point.psnr)];
    const boxes = [
      around(cx, cy, RADIUS + 1),
      { left: cx - 2, top: cy, right: cx + 2, bottom: y(point.p10) },
    ];
    const next = points[index + 1];
    if (next?.family !== point.family) return boxes;
    const [nx, ny] = [x(next.computed), y(next.psnr)];
    const pieces = Math.ceil(Math.hypot(nx - cx, ny - cy) / 5);
    for (let piece = 1; piece < pieces; piece++) {
      boxes.push(around(cx + ((nx - cx) * piece) / pieces, cy + ((ny - cy) * piece) / pieces, 2));
    }
    return boxes;
  });
}

/** Vertical scale in dB, from the tick below the minimum to the tick above the maximum. */
function decibels(values: readonly number[]): Scale {
  const apart = Math.max(...values) - Math.min(...values) > 25 ? 10 : 5;
  const low = Math.floor(Math.min(...values) / apart) * apart;
  const high = Math.max(Math.ceil(Math.max(...values) / apart) * apart, low + apart);
  const scale = (value: number) => round(PLOT.top + PLOT.height * (1 - (value - low) / (high - low)));
  const ticks = Array.from({ length: (high - low) / apart + 1 }, (_, index) => low + index * apart);
  return Object.assign(scale, { ticks });
}

/**
 * Horizontal scale of computed steps. It is logarithmic: equal ratios of steps, which are equal savings, have
 * equal distances.
 */
function computedSteps(values: readonly number[]): Scale {
  const low = Math.min(...values) / 1.12;
  const high = Math.max(...values) * 1.12;
  const scale = (value: number) =>
    round(PLOT.left + ((PLOT.right - PLOT.left) * Math.log(value / low)) / Math.log(high / low));
  const ticks = [2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100].filter(
    (tick) => tick >= low && tick <= high,
  );
  return Object.assign(scale, { ticks });
}

const round = (value: number) => Math.round(value * 100) / 100;
