/** @jsxImportSource hono/jsx */
import {
  type CacheTrace,
  type Column,
  columnsOf,
  type Drawing,
  optionsOf,
  type StoredOptions,
  type TraceStep,
} from "../caching/index.ts";
import { number, type Panel, type Plot, plotOf, USUAL_WIDTH } from "./layout.tsx";
import { type Point, pointsPanel } from "./points-panel.tsx";
import { linePanel, stairsPanel, stepsPanel } from "./small-panels.tsx";
import { SCHEDULE_CHART_STYLE } from "./style.ts";

const GAP = 30;

/** Kinds of panels, from top to bottom. */
const PANEL_ORDER = ["points", "stairs", "line"] as const;

/**
 * Draws a schedule as a standalone SVG without script: the columns of its policy, each in its own kind of panel, and
 * the steps that were computed and reused. Columns without values are left out. Follows the reader's light or dark
 * scheme.
 *
 * @param width of the place that it is drawn for, in CSS pixels: there, its texts have their own size
 */
export function scheduleChart(trace: CacheTrace, width = USUAL_WIDTH): string {
  const plot = plotOf(trace.steps, width);
  const drawn = PANEL_ORDER.flatMap((as) => columnPanels(trace, plot, as));
  const panels = [...drawn, stepsPanel(trace.schedule, plot)];
  let top = 8;
  const placed = panels.map(({ height, body }) => {
    const group = <g transform={`translate(0 ${top})`}>{body}</g>;
    top += height + GAP;
    return group;
  });
  const chart = (
    <svg
      xmlns="http://www.w3.org/2000/svg"
      class="schedule-chart"
      viewBox={`0 0 ${width} ${top + 8}`}
      role="img"
      aria-labelledby="schedule-title schedule-description"
    >
      <title id="schedule-title">
        Caching schedule of {trace.model}, {trace.cache}
      </title>
      <desc id="schedule-description">{describe(trace)}</desc>
      <style dangerouslySetInnerHTML={{ __html: SCHEDULE_CHART_STYLE }} />
      {placed}
    </svg>
  );
  return String(chart);
}

function describe(trace: CacheTrace): string {
  const computed = trace.schedule.filter((step) => step.computed).map(({ step }) => step);
  const { warmup = 0 } = trace;
  const beginning = warmup > 0 ? ` The first ${warmup} were a warm-up.` : "";
  return `${computed.length} of ${trace.steps} denoising steps were computed: ${computed.join(", ")}. The others were reused.${beginning}`;
}

/** Returns the panels of the columns that have values and are drawn in the way `as`. */
function columnPanels(trace: CacheTrace, plot: Plot, as: Drawing["as"]): Panel[] {
  const computed = trace.schedule.filter((step) => step.computed);
  const columns = columnsOf(trace.schedule).filter(({ key }) => valuesOf(computed, key).length > 0);
  return columns.flatMap((column) => {
    const { drawing } = column;
    if (!drawing || drawing.as !== as) return [];
    if (drawing.as === "points" && columns.some(({ key }) => key === drawing.unless)) return [];
    return [columnPanel(drawing, pointsOf(column, columns, computed, trace.steps), optionsOf(trace), plot)];
  });
}

function columnPanel(drawing: Drawing, points: readonly Point[], options: StoredOptions, plot: Plot): Panel {
  const { heading } = drawing;
  switch (drawing.as) {
    case "points": {
      const bands = drawing.bands?.of(options) ?? [];
      return pointsPanel({ heading, points, bands, bandHeading: drawing.bands?.heading ?? "" }, plot);
    }
    case "stairs":
      return stairsPanel({ heading, points, top: drawing.top?.(options) ?? 1 }, plot);
    case "line":
      return linePanel({ heading, points }, plot);
  }
}

function valuesOf(computed: readonly TraceStep[], key: string) {
  return computed.flatMap((step) => {
    const value = (step as Readonly<Record<string, unknown>>)[key];
    return typeof value === "number" ? [{ step: step.step, value }] : [];
  });
}

/** Returns the points of a column. Tooltips on the large panel also tell the answer of the policy. */
function pointsOf(
  { key, label, drawing }: Column,
  columns: readonly Column[],
  computed: readonly TraceStep[],
  steps: number,
): Point[] {
  const isLarge = drawing?.as === "points";
  const answers = isLarge ? columns.filter(({ format }) => format === "count") : [];
  return valuesOf(computed, key).map(({ step, value }) => {
    const name = isLarge ? "" : `${label.toLowerCase()} `;
    const told = answers.flatMap((answer) =>
      valuesOf(computed, answer.key)
        .filter((other) => other.step === step)
        .map((other) => `, ${answer.label.toLowerCase()} ${other.value}`),
    );
    return {
      step,
      value,
      until: computed.find((later) => later.step > step)?.step ?? steps + 1,
      label: `step ${step}: ${name}${number(value)}${told.join("")}`,
    };
  });
}
