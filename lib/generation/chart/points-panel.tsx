/** @jsxImportSource hono/jsx */
import type { Band } from "../caching/index.ts";
import {
  AxisLabel,
  AxisLine,
  Heading,
  LINE_HEIGHT,
  number,
  type Panel,
  type Plot,
  round,
  spread,
} from "./layout.tsx";

const HEIGHT_LEAST = 230;
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
export function pointsPanel({ heading, points, bands, bandHeading }: PointsPanel, plot: Plot): Panel {
  const thresholds = bands.flatMap(({ below }) => below ?? []);
  const positive = [...points.map(({ value }) => value), ...thresholds].filter((value) => value > 0);
  const low = positive.length > 0 ? Math.min(...positive) / 1.5 : 0.01;
  const high = positive.length > 0 ? Math.max(...positive) * 1.6 : 1;
  // Every band has a label, however many there are.
  const height = Math.max(HEIGHT_LEAST, TOP + LINE_HEIGHT * (bands.length + 1));
  const y = (value: number) => {
    // A value of 0 has no logarithm; it is drawn at the bottom.
    const inside = Math.max(value, low);
    return round(TOP + (height - TOP) * (1 - Math.log(inside / low) / Math.log(high / low)));
  };
  const held = points.map(({ step, value, until }) => {
    const end = until > plot.steps ? plot.right : plot.centre(until);
    return `M${plot.centre(step)} ${y(value)}H${end}`;
  });
  const labels = spread(thresholds.map(y), TOP, height);
  const clearOfThresholds = logTicks(low, high).filter((tick) =>
    labels.every((label) => Math.abs(label - y(tick)) >= LINE_HEIGHT),
  );
  const edges = [y(low), ...thresholds.map(y), TOP];
  const body = (
    <>
      <Heading text={`${heading} (logarithmic)`} />
      {bands.length > 0 && (
        <Bands bands={bands} heading={bandHeading} plot={plot} edges={edges} labels={labels} />
      )}
      {clearOfThresholds.map((value) => (
        <AxisLine y={y(value)} text={number(value)} plot={plot} />
      ))}
      <path class="held" d={held.join("")} />
      {points.map(({ step, value, label }) => (
        <circle class="point" cx={plot.centre(step)} cy={y(value)} r={4}>
          <title>{label}</title>
        </circle>
      ))}
    </>
  );
  return { height, body };
}

interface BandsProps {
  readonly bands: readonly Band[];
  readonly heading: string;
  readonly plot: Plot;
  /** Heights of the bands' edges, from the lowest band up: one more than there are bands. */
  readonly edges: readonly number[];
  /** Heights of the thresholds' labels, from the lowest up. */
  readonly labels: readonly number[];
}

/**
 * Draws a dashed, labelled line at each threshold and, to the right of each band, the answer to its values. Labels of
 * narrow bands are moved apart, and lines lead from them to what they belong to.
 */
function Bands({ bands, heading, plot, edges, labels }: BandsProps) {
  const { left, right } = plot;
  const middles = bands.map((_, index) => round((edges[index]! + edges[index + 1]!) / 2));
  const answers = spread(middles, edges.at(-1)!, edges[0]!);
  return (
    <>
      <text class="heading" x={right + 8} y={10}>
        {heading}
      </text>
      {bands.map(({ below, label }, index) => {
        const [bottom, top] = [edges[index]!, edges[index + 1]!];
        return (
          <>
            {index % 2 === 0 && (
              <rect class="band" x={left} y={top} width={right - left} height={round(bottom - top)} />
            )}
            {below !== null && <path class="threshold" d={`M${left} ${top}H${right}`} />}
            {below !== null && <Leader from={left} to={left - 6} y={top} labelY={labels[index]!} />}
            {below !== null && <AxisLabel y={labels[index]!} text={number(below)} />}
            <Leader from={right} to={right + 6} y={middles[index]!} labelY={answers[index]!} />
            <text x={right + 8} y={round(answers[index]! + 4)}>
              {label}
            </text>
          </>
        );
      })}
    </>
  );
}

/** Draws the line from a height to the label that was moved away from it. */
function Leader({ from, to, y, labelY }: { from: number; to: number; y: number; labelY: number }) {
  return Math.abs(y - labelY) < 1 ? null : <path class="leader" d={`M${from} ${y}L${to} ${labelY}`} />;
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
