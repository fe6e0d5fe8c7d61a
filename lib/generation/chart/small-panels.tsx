/** @jsxImportSource hono/jsx */
import { AxisLine, HEADING_HEIGHT, Heading, number, type Panel, type Plot, round } from "./layout.tsx";
import type { Point } from "./points-panel.tsx";

const HEIGHT = 56;
const BAND_HEIGHT = 16;

export interface SmallPanel {
  readonly heading: string;
  readonly points: readonly Point[];
}

/** Draws counts from 1 as stairs that last to the next computed step. */
export function stairsPanel({ heading, points, top }: SmallPanel & { top: number }, plot: Plot): Panel {
  const highest = Math.max(2, top, ...points.map(({ value }) => value));
  const y = linear(highest);
  const path = points.map(({ step, value, until }, index) => {
    const from = `${plot.start(step)} ${y(value)}`;
    return `${index === 0 ? "M" : "L"}${from}H${plot.start(until)}`;
  });
  const body = (
    <>
      <Heading text={heading} />
      {[1, highest].map((value) => (
        <AxisLine y={y(value)} text={String(value)} plot={plot} />
      ))}
      <path class="stairs" d={path.join("")} />
    </>
  );
  return { height: HEIGHT, body };
}

/** Draws values from 0 as marks joined by a line. */
export function linePanel({ heading, points }: SmallPanel, plot: Plot): Panel {
  const highest = niceAbove(Math.max(...points.map(({ value }) => value)));
  const y = linear(highest);
  const at = points.map(({ step, value }) => `${plot.centre(step)} ${y(value)}`);
  const body = (
    <>
      <Heading text={heading} />
      {[0, highest].map((value) => (
        <AxisLine y={y(value)} text={number(value)} plot={plot} />
      ))}
      <path class="line" d={`M${at.join("L")}`} />
      {points.map(({ step, value, label }) => (
        <path class="mark" d={`M${plot.centre(step)} ${y(value) - 4}l4 4l-4 4l-4 -4z`}>
          <title>{label}</title>
        </path>
      ))}
    </>
  );
  return { height: HEIGHT, body };
}

/** Draws which steps were computed and which reused. */
export function stepsPanel(
  schedule: readonly { readonly step: number; readonly computed: boolean }[],
  plot: Plot,
): Panel {
  const width = round(Math.max(plot.cellWidth - (plot.cellWidth > 5 ? 1.5 : 0), 0.1));
  const path = (wanted: boolean) =>
    schedule
      .filter(({ computed }) => computed === wanted)
      .map(({ step }) => `M${plot.start(step)} ${HEADING_HEIGHT}h${width}v${BAND_HEIGHT}h${-width}z`)
      .join("");
  const body = (
    <>
      <Heading text="Denoising steps" />
      <rect class="computed" x={plot.right - 146} y={0} width={11} height={11} />
      <text x={plot.right - 130} y={10}>
        computed
      </text>
      <rect class="reused" x={plot.right - 60} y={0} width={11} height={11} />
      <text x={plot.right - 44} y={10}>
        reused
      </text>
      <path class="reused" d={path(false)} />
      <path class="computed" d={path(true)} />
      {stepTicks(plot).map((step) => (
        <text x={plot.centre(step)} y={HEADING_HEIGHT + BAND_HEIGHT + 16} text-anchor="middle">
          {step}
        </text>
      ))}
    </>
  );
  return { height: HEADING_HEIGHT + BAND_HEIGHT, body };
}

const linear = (highest: number) => (value: number) =>
  round(HEADING_HEIGHT + (HEIGHT - HEADING_HEIGHT) * (1 - value / highest));

/** Returns the first step, the last, and as many round ones between as have room, about ten at most. */
function stepTicks({ steps, left, right }: Plot): number[] {
  const labelWidth = 7 * String(steps).length + 16;
  const most = Math.min(12, (right - left) / labelWidth);
  const apart =
    [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((candidate) => steps / candidate <= most) ?? steps;
  const ticks = [1];
  for (let step = apart === 1 ? 2 : apart; step <= steps - apart / 2; step += apart)
    if (step > 1) ticks.push(step);
  if (steps > 1) ticks.push(steps);
  return ticks;
}

function niceAbove(value: number): number {
  return [0.1, 0.2, 0.5].find((candidate) => value <= candidate) ?? Math.max(1, Math.ceil(value));
}
