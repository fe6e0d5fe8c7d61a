import {
  axes,
  costScale,
  decibelScale,
  labelled,
  type PlottedPoint,
  round,
  type Scale,
} from "../chart/plot.ts";
import { type Colours, chartDocument, styleSheet, WIDTH } from "../chart/svg.ts";
import {
  type MeasuredMethod,
  type PolicyResults,
  type PolicySummary,
  policyStepCounts,
  summarisePolicy,
} from "./results.ts";

const PLOT = { left: 52, right: WIDTH - 28, top: 56, height: 420 } as const;
const PANEL_HEIGHT = PLOT.top + PLOT.height + 48;

/** Colours of what is not a rival; variants and the offline reference have hollow marks. */
const ROLES = {
  product: ["#5b6472", "#a3acb9"],
  ours: ["#1d4ed8", "#7db0ff"],
  reference: ["#1f2937", "#e5e7eb"],
} as const satisfies Record<string, Colours>;

/** Colours that rivals have in turn; the label at a line tells which rival it is. */
const RIVALS: readonly Colours[] = [
  ["#b45309", "#f6ad55"],
  ["#0f766e", "#4fd1c0"],
  ["#7c3aed", "#b79bff"],
  ["#be185d", "#f687b3"],
  ["#3f6212", "#a3d65c"],
  ["#b91c1c", "#fc8181"],
  ["#0369a1", "#6cc4f0"],
];

const SERIES: Readonly<Record<string, Colours>> = {
  ...ROLES,
  ...Object.fromEntries(RIVALS.map((colours, index) => [`rival-${index}`, colours])),
};

/** Costs that panels have on their horizontal axis, and the number on the vertical one. */
const PANELS = [
  {
    told: "Mean PSNR against no cache in dB",
    cost: "denoising time as a share of that without cache (logarithmic)",
    x: ({ time }: PolicySummary) => time,
    y: ({ psnr }: PolicySummary) => psnr.mean,
  },
  {
    told: "10th percentile of PSNR against no cache in dB",
    cost: "denoising time as a share of that without cache (logarithmic)",
    x: ({ time }: PolicySummary) => time,
    y: ({ psnr }: PolicySummary) => psnr.p10,
  },
  {
    told: "Mean PSNR against no cache in dB",
    cost: "computed steps, mean (logarithmic)",
    x: ({ computed }: PolicySummary) => computed.mean,
    y: ({ psnr }: PolicySummary) => psnr.mean,
  },
] as const;

const TICKS = [
  ...[0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1],
  ...[2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100],
];

interface Line {
  readonly group: string;
  readonly role: MeasuredMethod["role"];
  /** Class of its colour. */
  readonly series: string;
  readonly points: readonly { readonly label: string; readonly summary: PolicySummary }[];
}

/** Draws quality over time and over computed steps as a standalone SVG: three panels for each number of steps. */
export function policyChart(results: PolicyResults): string {
  const panels = policyStepCounts(results).map((steps) => ({ steps, lines: linesOf(results, steps) }));
  return chartDocument(
    panels.flatMap(({ steps, lines }) => PANELS.map((kind) => panel(steps, lines, kind))),
    {
      panelHeight: PANEL_HEIGHT,
      title: "Quality over time of every policy",
      description: panels.map(({ steps, lines }) => describe(steps, lines)).join(" "),
      style: styleSheet(SERIES),
    },
  );
}

function linesOf({ runs, methods }: PolicyResults, steps: number): Line[] {
  const groups = [...new Map(methods.map((method) => [method.group, method.role] as const))];
  const rivals = groups.filter(([, role]) => !(role in ROLES)).map(([group]) => group);
  return groups.flatMap(([group, role]) => {
    const points = methods
      .filter((method) => method.group === group)
      .flatMap(({ label }) => {
        const own = runs.filter((run) => run.steps === steps && run.group === group && run.label === label);
        return own.length === 0 ? [] : [{ label, summary: summarisePolicy(own) }];
      });
    if (points.length === 0) return [];
    const series = role in ROLES ? role : `rival-${rivals.indexOf(group) % RIVALS.length}`;
    return [{ group, role, series, points }];
  });
}

function describe(steps: number, lines: readonly Line[]): string {
  const told = lines.map(({ group, points }) => {
    const ends = points.map(
      ({ summary: { psnr, time } }) => `${psnr.mean.toFixed(1)} dB at ${time.toFixed(2)}`,
    );
    return `${group} ${ends.join(", ")}`;
  });
  return `Of ${steps} denoising steps, mean PSNR at shares of the uncached time: ${told.join("; ")}.`;
}

function panel(
  steps: number,
  lines: readonly Line[],
  { told, cost, x: costOf, y: qualityOf }: (typeof PANELS)[number],
): string {
  const summaries = lines.flatMap(({ points }) => points.map(({ summary }) => summary));
  const x = costScale(summaries.map(costOf), TICKS, PLOT);
  const y = decibelScale(summaries.map(qualityOf), PLOT);
  const plotted = lines.map((line) => ({ line, points: pointsOf(line, { x, y, costOf, qualityOf }) }));
  const labels = labelled(
    plotted.flatMap(({ points }) => points),
    PLOT,
  );
  return [
    ...axes(PLOT, { x, y, title: `${steps} denoising steps`, told, cost }),
    ...plotted.map(({ line, points }) => {
      const own = labels.filter(({ point }) => point.line === line.group);
      return `<g class="${line.series}">${series(line, points)}${own.map(({ svg }) => svg).join("")}</g>`;
    }),
  ].join("\n");
}

interface SettingPoint extends PlottedPoint {
  readonly setting: string;
}

function pointsOf(
  { group, points }: Line,
  {
    x,
    y,
    costOf,
    qualityOf,
  }: { x: Scale; y: Scale } & Record<"costOf" | "qualityOf", (summary: PolicySummary) => number>,
): SettingPoint[] {
  return points
    .map(({ label, summary }) => ({ setting: label, x: x(costOf(summary)), y: y(qualityOf(summary)) }))
    .sort((a, b) => a.x - b.x)
    .map((point, index) => ({ ...point, line: group, label: index === 0 ? group : null, reach: point.y }));
}

function series({ group, role }: Line, points: readonly SettingPoint[]): string {
  const path = points.map(({ x, y }) => `${x} ${y}`).join("L");
  const line = points.length > 1 ? `<path class="line" d="M${path}"/>` : "";
  const isHollow = role === "variant" || role === "reference";
  const r = role === "ours" ? 4.5 : 3;
  const marks = points.map(
    ({ x, y, setting }) =>
      `<path class="mark${isHollow ? " hollow" : ""}" d="M${round(x - r)} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ` +
      `${-2 * r} 0z"><title>${group} ${setting}</title></path>`,
  );
  return line + marks.join("");
}
