/** @jsxImportSource hono/jsx */
import type { Band } from "../caching/index.ts";
import {
  AxisLabel,
  AxisLine,
  type Cells,
  Heading,
  LINE_HEIGHT,
  number,
  type Panel,
  PLOT,
  round,
} from "./layout.tsx";

const HEIGHT = 230;
const TOP = 24;

/** Value of a computed step. */
export interface Point {
  readonly step: number;
  readonly value: number;
  /** Number of the next computed step; one past the last step at the end. */
  readonly until: number;
  /** Text of its tooltip. */
  readonly label: string;
}

export interface PointsPanel {
  readonly heading: string;
  readonly points: readonly Point[];
  readonly bands: readonly Band[];
  /** Meaning of the bands' labels. */
  readonly bandHeading: string;
}

/**
 * Draws values on a logarithmic axis over the bands that they are compared with. Each value is held to the next
 * computed step.
 */
export function pointsPanel({ heading, points, bands, bandHeading }: PointsPanel, cells: Cells): Panel {
  const thresholds = bands.flatMap(({ below }) => below ?? []);
  const positive = [...points.map(({ value }) => value), ...thresholds].filter((value) => value > 0);
  const low = positive.length > 0 ? Math.min(...positive) / 1.5 : 0.01;
  const high = positive.length > 0 ? Math.max(...positive) * 1.6 : 1;
  const y = (value: number) => {
    // A value of 0 has no logarithm; it is drawn at the bottom.
    const inside = Math.max(value, low);
    return round(TOP + (HEIGHT - TOP) * (1 - Math.log(inside / low) / Math.log(high / low)));
  };
  const held = points.map(({ step, value, until }) => {
    const end = until > cells.steps ? PLOT.right : cells.centre(until);
    return `M${cells.centre(step)} ${y(value)}H${end}`;
  });
  const clearOfThresholds = logTicks(low, high).filter((tick) =>
    thresholds.every((threshold) => Math.abs(y(threshold) - y(tick)) >= LINE_HEIGHT),
  );
  const body = (
    <>
      <Heading text={`${heading} (logarithmic)`} />
      {bands.length > 0 && <Bands bands={bands} heading={bandHeading} y={y} low={low} high={high} />}
      {clearOfThresholds.map((value) => (
        <AxisLine y={y(value)} text={number(value)} />
      ))}
      <path class="held" d={held.join("")} />
      {points.map(({ step, value, label }) => (
        <circle class="point" cx={cells.centre(step)} cy={y(value)} r={4}>
          <title>{label}</title>
        </circle>
      ))}
    </>
  );
  return { height: HEIGHT, body };
}

interface BandsProps {
  readonly bands: readonly Band[];
  readonly heading: string;
  readonly low: number;
  readonly high: number;
  y(value: number): number;
}

/** Draws a dashed, labelled line at each threshold and, to the right of each band, the answer to its values. */
function Bands({ bands, heading, y, low, high }: BandsProps) {
  const parts = [];
  let above = low;
  let lastThreshold = Infinity;
  let lastLabel = Infinity;
  for (const [index, { below, label }] of bands.entries()) {
    const [bottom, top] = [y(above), y(below ?? high)];
    const isShaded = index % 2 === 0;
    // Labels are left out where bands are narrower than a line of text.
    const hasThreshold = below !== null && lastThreshold - top >= LINE_HEIGHT;
    if (hasThreshold) lastThreshold = top;
    const middle = (bottom + top) / 2;
    const hasLabel = lastLabel - middle >= LINE_HEIGHT;
    if (hasLabel) lastLabel = middle;
    parts.push(
      <>
        {isShaded && (
          <rect
            class="band"
            x={PLOT.left}
            y={top}
            width={PLOT.right - PLOT.left}
            height={round(bottom - top)}
          />
        )}
        {below !== null && <path class="threshold" d={`M${PLOT.left} ${top}H${PLOT.right}`} />}
        {hasThreshold && <AxisLabel y={top} text={number(below)} />}
        {hasLabel && (
          <text x={PLOT.right + 8} y={round(middle + 4)}>
            {label}
          </text>
        )}
      </>,
    );
    above = below ?? high;
  }
  return (
    <>
      <text class="heading" x={PLOT.right + 8} y={10}>
        {heading}
      </text>
      {parts}
    </>
  );
}

/** Returns 1, 2 and 5 times the powers of ten inside (low, high), or the powers alone if those would be too many. */
function logTicks(low: number, high: number): number[] {
  const ticks: number[] = [];
  const multiples = high / low > 200 ? [1] : [1, 2, 5];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    ticks.push(...multiples.map((multiple) => Number(`${multiple}e${power}`)));
  }
  return ticks.filter((tick) => tick > low && tick < high);
}
