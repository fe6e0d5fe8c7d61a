/** Recognition of the demo model's shapes by overlap with drawn ones. The geometry is that of scenes.py. */
import type { Blob } from "./blob.ts";

interface ShapeGeometry {
  /** Area of the shape with radius 1. */
  readonly area: number;
  /** Angle of rotational symmetry in radians; 0 for shapes that look the same at every angle. */
  readonly symmetry: number;
  /** Signed distance to the outline of the shape with radius `r`, negative inside; y points down. */
  readonly distance: (dx: number, dy: number, r: number) => number;
}

const geometries = {
  circle: { area: Math.PI, symmetry: 0, distance: (dx, dy, r) => Math.hypot(dx, dy) - r },
  square: {
    area: 1.76 ** 2,
    symmetry: Math.PI / 2,
    distance: (dx, dy, r) => Math.max(Math.abs(dx), Math.abs(dy)) - 0.88 * r,
  },
  triangle: {
    area: 1.8 * 1.0392,
    symmetry: (Math.PI * 2) / 3,
    distance: (dx, dy, r) => Math.max(0.8660254 * Math.abs(dx) - 0.5 * dy - 0.6 * r, dy - 0.6 * r),
  },
  ring: {
    area: Math.PI * (1.03 ** 2 - 0.49 ** 2),
    symmetry: 0,
    distance: (dx, dy, r) => Math.abs(Math.hypot(dx, dy) - 0.76 * r) - 0.27 * r,
  },
  cross: {
    area: 2 * 2 * 0.66 - 0.66 ** 2,
    symmetry: Math.PI / 2,
    distance: (dx, dy, r) => {
      const ax = Math.abs(dx);
      const ay = Math.abs(dy);
      return Math.min(Math.max(ax - r, ay - 0.33 * r), Math.max(ax - 0.33 * r, ay - r));
    },
  },
} as const satisfies Record<string, ShapeGeometry>;

export type Shape = keyof typeof geometries;

export const shapes = Object.keys(geometries) as readonly Shape[];

const ANGLE_STEP = Math.PI / 24;

/** Overlap that rotated templates must gain to be believed: more templates fit better by chance. */
const TURNING_PENALTY = 0.04;

/** Net rotation over a clip in radians from which an object counts as spinning; the slowest prompts ask for 2.4. */
const MIN_TURN = 1.2;

export interface ShapeFit {
  readonly shape: Shape;
  /** Mean intersection over union with the shape, 0 to 1. */
  readonly overlap: number;
  readonly isSpinning: boolean;
}

/**
 * Returns the shape that overlaps best with the blobs of a clip, each with its own position, size and, if
 * necessary, angle.
 */
export function fitShape(blobs: readonly Blob[]): ShapeFit {
  const fits = shapes.map((shape) => fitOne(shape, blobs));
  return fits.reduce((best, fit) => (fit.overlap > best.overlap ? fit : best));
}

function fitOne(shape: Shape, blobs: readonly Blob[]): ShapeFit {
  const { symmetry } = geometries[shape];
  const angles = Array.from({ length: Math.round(symmetry / ANGLE_STEP) || 1 }, (_, i) => i * ANGLE_STEP);
  const overlaps = blobs.map((blob) => angles.map((angle) => overlap(blob, shape, angle)));
  const upright = mean(overlaps.map((byAngle) => byAngle[0]!));
  const turned = mean(overlaps.map((byAngle) => Math.max(...byAngle))) - TURNING_PENALTY;
  const best = overlaps.map((byAngle) => angles[byAngle.indexOf(Math.max(...byAngle))]!);
  const isSpinning = turned > upright && Math.abs(totalTurn(best, symmetry)) > MIN_TURN;
  return { shape, overlap: Math.max(upright, turned), isSpinning };
}

/**
 * Returns the intersection over union of a blob and a shape of the same area at its centroid.
 *
 * @param angle  radians, clockwise on the screen
 */
export function overlap({ mask, width, height, area, x, y }: Blob, shape: Shape, angle: number): number {
  const geometry: ShapeGeometry = geometries[shape];
  const radius = Math.sqrt(area / geometry.area);
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  // No shape extends beyond 1.25 radii; outside, the union is the blob alone.
  const reach = 1.25 * radius + 1;
  const [left, right] = [Math.max(0, Math.floor(x - reach)), Math.min(width, Math.ceil(x + reach))];
  const [top, bottom] = [Math.max(0, Math.floor(y - reach)), Math.min(height, Math.ceil(y + reach))];
  let intersection = 0;
  let union = area;
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const dx = column + 0.5 - x;
      const dy = row + 0.5 - y;
      const d = geometry.distance(dx * cos + dy * sin, dy * cos - dx * sin, radius);
      const covered = Math.min(1, Math.max(0, 0.5 - d));
      const blob = mask[row * width + column]!;
      intersection += Math.min(covered, blob);
      union += Math.max(covered, blob) - blob;
    }
  }
  return intersection / union;
}

/** Returns the total rotation of a shape with an angle of symmetry, by the shortest rotation from frame to frame. */
export function totalTurn(angles: readonly number[], symmetry: number): number {
  let turn = 0;
  for (let i = 1; i < angles.length; i++) {
    const step = angles[i]! - angles[i - 1]!;
    turn += step - symmetry * Math.round(step / symmetry);
  }
  return turn;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
