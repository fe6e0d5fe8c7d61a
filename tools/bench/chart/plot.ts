import { type Box, placeLabels } from "./label-placement.ts";

/** Parts of the charts of quality over cost: scales, axes, and labels beside points. */

/** Place of a plot inside a panel, in pixels. */
export interface Plot {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly height: number;
}

export interface Scale {
  (value: number): number;
  readonly ticks: readonly number[];
}

/** Point in pixels. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Point of a line, with what is written beside it. */
export interface PlottedPoint extends Place {
  /** Points of one line follow each other in a list. */
  readonly line: string;
  readonly label: string | null;
  /** Lower end of the vertical line below the point. */
  readonly reach: number;
}

/** Radius of a mark. */
export const RADIUS = 5;

export const round = (value: number): number => Math.round(value * 100) / 100;

/** Returns a vertical scale in dB, from the tick below the minimum to the tick above the maximum. */
export function decibelScale(values: readonly number[], plot: Plot): Scale {
  const apart = Math.max(...values) - Math.min(...values) > 25 ? 10 : 5;
  const low = Math.floor(Math.min(...values) / apart) * apart;
  const high = Math.max(Math.ceil(Math.max(...values) / apart) * apart, low + apart);
  const scale = (value: number) => round(plot.top + plot.height * (1 - (value - low) / (high - low)));
  const ticks = Array.from({ length: (high - low) / apart + 1 }, (_, index) => low + index * apart);
  return Object.assign(scale, { ticks });
}

/**
 * Returns a horizontal scale of costs. It is logarithmic: equal ratios of cost, which are equal savings, have equal
 * distances.
 */
export function costScale(values: readonly number[], ticks: readonly number[], plot: Plot): Scale {
  const low = Math.min(...values) / 1.12;
  const high = Math.max(...values) * 1.12;
  const scale = (value: number) =>
    round(plot.left + ((plot.right - plot.left) * Math.log(value / low)) / Math.log(high / low));
  return Object.assign(scale, { ticks: ticks.filter((tick) => tick >= low && tick <= high) });
}

/** Draws title, grid and axes of a panel. */
export function axes(
  plot: Plot,
  { x, y, title, told, cost }: { x: Scale; y: Scale; title: string; told: string; cost: string },
): string[] {
  const bottom = plot.top + plot.height;
  const rows = y.ticks.map(
    (tick) =>
      `<path class="grid" d="M${plot.left} ${y(tick)}H${plot.right}"/>` +
      `<text x="${plot.left - 10}" y="${round(y(tick) + 4)}" text-anchor="end">${tick}</text>`,
  );
  const columns = x.ticks.map(
    (tick) =>
      `<path class="axis" d="M${x(tick)} ${bottom}v5"/>` +
      `<text x="${x(tick)}" y="${bottom + 19}" text-anchor="middle">${tick}</text>`,
  );
  return [
    `<text class="title" x="${plot.left}" y="28">${title}</text>`,
    `<text x="${plot.left}" y="45">${told}</text>`,
    ...rows,
    `<path class="axis" d="M${plot.left} ${bottom}H${plot.right}"/>`,
    ...columns,
    `<text x="${plot.right}" y="${bottom + 36}" text-anchor="end">${cost}</text>`,
  ];
}

/** Draws the labels of points, clear of marks and lines where that is possible. */
export function labelled<Point extends PlottedPoint>(
  points: readonly Point[],
  plot: Plot,
): { point: Point; svg: string }[] {
  const told = points.filter(({ label }) => label !== null);
  const requests = told.map(({ label, x, y }) => ({ text: label!, x, y }));
  const bounds = { left: plot.left, top: plot.top, right: plot.right, bottom: plot.top + plot.height };
  return placeLabels(requests, obstaclesOf(points), bounds).map(({ text, x, y, anchor }, index) => ({
    point: told[index]!,
    svg: `<text class="label" x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${text}</text>`,
  }));
}

/** Returns the boxes of marks, of the lines below them, and of the lines between them in pieces. */
function obstaclesOf(points: readonly PlottedPoint[]): Box[] {
  const around = (cx: number, cy: number, r: number): Box => ({
    left: cx - r,
    top: cy - r,
    right: cx + r,
    bottom: cy + r,
  });
  return points.flatMap((point, index) => {
    const { x: cx, y: cy } = point;
    const boxes = [around(cx, cy, RADIUS + 1), { left: cx - 2, top: cy, right: cx + 2, bottom: point.reach }];
    const next = points[index + 1];
    if (next?.line !== point.line) return boxes;
    const { x: nx, y: ny } = next;
    const pieces = Math.ceil(Math.hypot(nx - cx, ny - cy) / 5);
    for (let piece = 1; piece < pieces; piece++) {
      boxes.push(around(cx + ((nx - cx) * piece) / pieces, cy + ((ny - cy) * piece) / pieces, 2));
    }
    return boxes;
  });
}
