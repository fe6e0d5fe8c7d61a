/** Puts labels beside the points of a chart so that they cover neither each other nor what is drawn. */

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface LabelRequest {
  readonly text: string;
  /** The point it belongs to. */
  readonly x: number;
  readonly y: number;
}

export interface PlacedLabel {
  readonly text: string;
  /** Where the baseline is held. */
  readonly x: number;
  readonly y: number;
  /** What is at `x`: held at the end next to the point, a label keeps its distance in any font. */
  readonly anchor: "start" | "middle" | "end";
  readonly box: Box;
}

/** Of a 12 px sans-serif, a little more than its average letter needs. */
const LETTER_WIDTH = 6.8;
const ASCENT = 9;
const HEIGHT = 12;
/** From the middle of a point to its label. */
const GAP = 9;
/** Labels look at each other this often: the first to be placed knows none of the others. */
const ROUNDS = 4;
/** A square pixel outside costs more than any overlap inside. */
const OUTSIDE = 100;
/** Square pixels of overlap that the next best side is worth. */
const PREFERENCE = 1.5;

/**
 * A place for every label, in the order of the requests: right of its point where that is free, and else whichever
 * side covers least of `obstacles`, of other labels, and of what lies outside `bounds`.
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

/** The eight sides of a point, best first. */
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
