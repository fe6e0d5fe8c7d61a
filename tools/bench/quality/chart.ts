import {
  axes,
  costScale,
  decibelScale,
  labelled,
  type PlottedPoint,
  RADIUS,
  round,
  type Scale,
} from "../chart/plot.ts";
import { type Colours, chartDocument, styleSheet, WIDTH } from "../chart/svg.ts";
import { type MethodFamily, methodsFor } from "../methods.ts";
import { type QualityResults, runsOf, stepCountsOf, summarise } from "./results.ts";

const PLOT = { left: 52, right: WIDTH - 28, top: 56, height: 300 } as const;
const PANEL_HEIGHT = PLOT.top + PLOT.height + 48;

/** Colours of the families; every family also has its own shape. */
const FAMILIES = {
  fewer: ["#5b6472", "#a3acb9"],
  static: ["#b45309", "#f6ad55"],
  fast: ["#1d4ed8", "#7db0ff"],
  slow: ["#0f766e", "#4fd1c0"],
} as const satisfies Record<string, Colours>;

const STEP_TICKS = [2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80, 100];

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

/**
 * Draws PSNR over computed steps as a standalone SVG: a panel for each number of denoising steps, a mark for each
 * method, and a thin line from its mean down to its 10th percentile.
 */
export function qualityChart(results: QualityResults): string {
  const panels = stepCountsOf(results).map((steps) => ({ steps, points: pointsOf(results, steps) }));
  const all = panels.flatMap(({ points }) => points.flatMap(({ psnr, p10 }) => [psnr, Math.min(psnr, p10)]));
  const y = decibelScale(all, PLOT);
  return chartDocument(
    panels.map(({ steps, points }) => panel(steps, points, y)),
    {
      panelHeight: PANEL_HEIGHT,
      title: "Quality over computed steps",
      description: panels.map(({ steps, points }) => describe(steps, points)).join(" "),
      style: styleSheet(FAMILIES),
    },
  );
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
  const costs = points.map(({ computed }) => computed);
  const x = costScale(costs, STEP_TICKS, PLOT);
  const plotted = points.map((point): Point & PlottedPoint => ({
    ...point,
    line: point.family,
    x: x(point.computed),
    y: y(point.psnr),
    reach: y(point.p10),
  }));
  const labels = labelled(plotted, PLOT);
  return [
    ...axes(PLOT, {
      x,
      y,
      title: `${steps} denoising steps`,
      told: "PSNR against no cache in dB: mean, and line down to the 10th percentile",
      cost: "computed steps, mean (logarithmic)",
    }),
    ...Object.keys(FAMILIES).map((family) => {
      const own = plotted.filter((point) => point.family === family);
      const told = labels.filter(({ point }) => point.family === family);
      return `<g class="${family}">${series(own)}${told.map(({ svg }) => svg).join("")}</g>`;
    }),
  ].join("\n");
}

function series(points: readonly (Point & PlottedPoint)[]): string {
  const path = points.map(({ x, y }) => `${x} ${y}`).join("L");
  const line = points.length > 1 ? `<path class="line" d="M${path}"/>` : "";
  const marks = points.map((point) => {
    const told = `${point.name}: ${point.computed.toFixed(1)} steps, ${point.psnr.toFixed(1)} dB, p10 ${point.p10.toFixed(1)} dB`;
    return (
      `<path class="reach" d="M${point.x} ${point.y}V${point.reach}m-3 0h6"/>` +
      `<path class="mark${point.isHollow ? " hollow" : ""}" d="${shape(point.family, point)}"><title>${told}</title></path>`
    );
  });
  return line + marks.join("");
}

function shape(family: Point["family"], { x, y }: PlottedPoint): string {
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
