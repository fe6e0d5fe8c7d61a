/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";

/** Measures and parts that all panels of a chart share. Units are those of the view box. */

/** Width that leaves no text too small in a page of text; narrower places ask for a narrower chart. */
export const USUAL_WIDTH = 760;
export const LEFT = 56;
const RIGHT_MARGIN = 44;
export const HEADING_HEIGHT = 24;

/** Least distance between labels that do not touch. */
export const LINE_HEIGHT = 12;

/** Part of a chart with an axis of its own, over the steps that all parts share. */
export interface Panel {
  readonly height: number;
  /** SVG of the panel with its top at y = 0. */
  readonly body: Child;
}

/** Positions across the chart: every denoising step has a cell of the same width; steps are 1-based. */
export interface Plot {
  readonly steps: number;
  readonly left: number;
  readonly right: number;
  readonly cellWidth: number;
  start(step: number): number;
  centre(step: number): number;
}

/** Returns the positions in a chart that is `width` wide, its labels included. */
export function plotOf(steps: number, width: number): Plot {
  const right = width - RIGHT_MARGIN;
  const cellWidth = (right - LEFT) / Math.max(steps, 1);
  return {
    steps,
    left: LEFT,
    right,
    cellWidth,
    start: (step) => round(LEFT + (step - 1) * cellWidth),
    centre: (step) => round(LEFT + (step - 0.5) * cellWidth),
  };
}

/**
 * Moves the heights of labels as little as it takes to keep them a line apart. They keep their order, and stay between
 * `top` and `bottom` if that has room for them all.
 */
export function spread(wanted: readonly number[], top: number, bottom: number): number[] {
  const order = wanted.map((_, index) => index).sort((a, b) => wanted[a]! - wanted[b]!);
  const heights = [...wanted];
  let free = top;
  for (const index of order) {
    heights[index] = Math.max(wanted[index]!, free);
    free = heights[index]! + LINE_HEIGHT;
  }
  let taken = bottom;
  for (const index of order.toReversed()) {
    heights[index] = Math.min(heights[index]!, taken);
    taken = heights[index]! - LINE_HEIGHT;
  }
  return heights.map(round);
}

export function Heading({ text }: { text: string }) {
  return (
    <text class="heading" x={LEFT} y={10}>
      {text}
    </text>
  );
}

/** Label left of the plot. */
export function AxisLabel({ y, text }: { y: number; text: string }) {
  return (
    <text x={LEFT - 8} y={round(y + 4)} text-anchor="end">
      {text}
    </text>
  );
}

/** Line across the plot, with its label at the left. */
export function AxisLine({ y, text, plot }: { y: number; text: string; plot: Plot }) {
  return (
    <>
      <path class="grid" d={`M${plot.left} ${y}H${plot.right}`} />
      <AxisLabel y={y} text={text} />
    </>
  );
}

export const round = (value: number) => Math.round(value * 100) / 100;

export const number = (value: number) => String(Number(value.toPrecision(3)));
