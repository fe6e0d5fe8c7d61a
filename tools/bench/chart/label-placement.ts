/** Placement of labels next to the points of a chart, so that they overlap neither each other nor what is drawn. */

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface LabelRequest {
  readonly text: string;
  /** Position of the labelled point. */
  readonly x: number;
  readonly y: number;
}

export interface PlacedLabel {
  readonly text: string;
  /** Anchor of the baseline. */
  readonly x: number;
  readonly y: number;
  /** Part of the text at `x`. Anchored at the end next to the point, a label keeps its distance in any font. */
  readonly anchor: "start" | "middle" | "end";
  readonly box: Box;
}

/** Width of a letter: slightly more than the average in a 12 px sans-serif font. */
const LETTER_WIDTH = 6.8;
const ASCENT = 9;
const HEIGHT = 12;
/** Distance from the centre of a point to its label. */
const GAP = 9;
/** Rounds of placement: the first label to be placed does not know the others. */
const ROUNDS = 4;
/** Cost of a square pixel outside the bounds, higher than that of any overlap inside. */
const OUTSIDE = 100;
/** Overlap in square pixels that is accepted to stay on a preferred side. */
const PREFERENCE = 1.5;

/**
 * Places every label, in the order of the requests: right of its point if that is free, otherwise on the side
 * that least covers `obstacles`, other labels, and the area outside `bounds`.
 */
export function placeLabels(
  requests: readonly LabelRequest[],
  obstacles: readonly Box[],
  bounds: Box,
): PlacedLabel[] {
  const placed: (PlacedLabel | undefined)[] = requests.map(() => undefined);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, request] of requests.entries()) {
      const others = placed.flatMap((label, other) => (label && other !== index ? [label.box] : []));
      const cost = ({ box }: PlacedLabel, rank: number) =>
        [...obstacles, ...others].reduce((sum, other) => sum + overlap(box, other), 0) +
        OUTSIDE * (area(box) - overlap(box, bounds)) +
        PREFERENCE * rank;
      const costs = candidates(request).map((label, rank) => ({ label, cost: cost(label, rank) }));
      placed[index] = costs.reduce((best, next) => (next.cost < best.cost ? next : best)).label;
    }
  }
  return placed as PlacedLabel[];
}

/** Returns the positions at the eight sides of a point, best first. */
function candidates({ text, x, y }: LabelRequest): PlacedLabel[] {
  const width = text.length * LETTER_WIDTH;
  const beside = y - HEIGHT / 2;
  const above = y - GAP - HEIGHT + 3;
  const below = y + GAP - 3;
  const sides: readonly (readonly [anchor: PlacedLabel["anchor"], x: number, top: number])[] = [
    ["start", x + GAP, beside],
    ["end", x - GAP, beside],
    ["start", x + GAP - 3, above],
    ["start", x + GAP - 3, below],
    ["end", x - GAP + 3, above],
    ["end", x - GAP + 3, below],
    ["middle", x, above - 4],
    ["middle", x, below + 4],
  ];
  return sides.map(([anchor, held, top]) => {
    const left = held - { start: 0, middle: width / 2, end: width }[anchor];
    const box = { left, top, right: left + width, bottom: top + HEIGHT };
    return { text, x: held, y: top + ASCENT + 1, anchor, box };
  });
}

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return Math.max(width, 0) * Math.max(height, 0);
}

function area({ left, top, right, bottom }: Box): number {
  return (right - left) * (bottom - top);
}
