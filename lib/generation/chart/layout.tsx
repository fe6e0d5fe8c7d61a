/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";

/** Measures and parts that all panels of a chart share. Units are those of the view box. */

export const WIDTH = 760;
export const PLOT = { left: 48, right: WIDTH - 44 } as const;
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
export interface Cells {
  readonly steps: number;
  readonly width: number;
  start(step: number): number;
  centre(step: number): number;
}

export function cellsOf(steps: number): Cells {
  const width = (PLOT.right - PLOT.left) / Math.max(steps, 1);
  return {
    steps,
    width,
    start: (step) => round(PLOT.left + (step - 1) * width),
    centre: (step) => round(PLOT.left + (step - 0.5) * width),
  };
}

export function Heading({ text }: { text: string }) {
  return (
    <text class="heading" x={PLOT.left} y={10}>
      {text}
    </text>
  );
}

/** Label left of the plot. */
export function AxisLabel({ y, text }: { y: number; text: string }) {
  return (
    <text x={PLOT.left - 8} y={round(y + 4)} text-anchor="end">
      {text}
    </text>
  );
}

/** Line across the plot, with its label at the left. */
export function AxisLine({ y, text }: { y: number; text: string }) {
  return (
    <>
      <path class="grid" d={`M${PLOT.left} ${y}H${PLOT.right}`} />
      <AxisLabel y={y} text={text} />
    </>
  );
}

export const round = (value: number) => Math.round(value * 100) / 100;

export const number = (value: number) => String(Number(value.toPrecision(3)));
