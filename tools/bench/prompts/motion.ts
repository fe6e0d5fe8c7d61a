/**
 * Motion of an object from its position in every frame. Thresholds lie between the ranges that scenes.py
 * draws from.
 */

export type Direction = "left" | "right" | "up" | "down";
export type Motion = "still" | "slow" | "fast" | "bounce" | "spin" | "grow" | "shrink";

export const directions: readonly Direction[] = ["left", "right", "up", "down"];

/** Position of an object in one frame, in pixels; y points down. */
export interface Position {
  readonly frame: number;
  readonly x: number;
  readonly y: number;
  readonly area: number;
}

/** Extent in pixels below which an object stands still; slow objects have 10 to 14. */
const STILL_EXTENT = 4;

/** Distance in pixels from first to last frame that separates slow (10 to 14) from fast (28 to 38). */
const FAST_TRAVEL = 20;

/**
 * Length in pixels of the smoothed path from which an object bounces: bouncing gives 51 to 95, fast motion at
 * most 33.
 */
const BOUNCE_PATH = 42;

/** Threshold of ln(last radius / first radius); growing objects have 0.8 to 1.4. */
const GROWTH = 0.45;

export interface MotionFit {
  readonly isMoving: boolean;
  /** Direction of motion; null if the object does not move. */
  readonly direction: Direction | null;
  readonly motion: Motion;
}

/**
 * Classifies the motion of an object.
 *
 * @param track  at least two frames, in order
 */
export function fitMotion(track: readonly Position[], isSpinning: boolean): MotionFit {
  const smooth = smoothed(track);
  const xs = smooth.map(({ x }) => x);
  const ys = smooth.map(({ y }) => y);
  const isMoving = Math.hypot(range(xs), range(ys)) >= STILL_EXTENT;

  const span = track.at(-1)!.frame - track[0]!.frame;
  const frames = track.map(({ frame }) => frame);
  const across = span * slope(frames, column(track, "x"));
  const down = span * slope(frames, column(track, "y"));
  const direction = !isMoving ? null : directionOf(across, down);
  const growth =
    span *
    slope(
      frames,
      track.map(({ area }) => Math.log(area) / 2),
    );

  return { isMoving, direction, motion: motionOf() };

  function motionOf(): Motion {
    if (Math.abs(growth) > GROWTH) return growth > 0 ? "grow" : "shrink";
    if (pathLength(smooth) > BOUNCE_PATH) return "bounce";
    if (isMoving) return Math.hypot(across, down) >= FAST_TRAVEL ? "fast" : "slow";
    return isSpinning ? "spin" : "still";
  }
}

function directionOf(across: number, down: number): Direction {
  if (Math.abs(across) > Math.abs(down)) return across < 0 ? "left" : "right";
  return down < 0 ? "up" : "down";
}

/** Averages each position with its neighbours: the centroid of a soft outline jitters. */
function smoothed(track: readonly Position[]): { x: number; y: number }[] {
  return track.slice(1, -1).map((_, i) => {
    const three = track.slice(i, i + 3);
    return { x: mean(column(three, "x")), y: mean(column(three, "y")) };
  });
}

function pathLength(track: readonly { x: number; y: number }[]): number {
  return track.slice(1).reduce((sum, { x, y }, i) => sum + Math.hypot(x - track[i]!.x, y - track[i]!.y), 0);
}

/** Slope of the line through the points, by least squares. */
function slope(xs: readonly number[], ys: readonly number[]): number {
  const [mx, my] = [mean(xs), mean(ys)];
  const covariance = xs.reduce((sum, x, i) => sum + (x - mx) * (ys[i]! - my), 0);
  return covariance / xs.reduce((sum, x) => sum + (x - mx) ** 2, 0);
}

function column(track: readonly Position[], key: "x" | "y"): number[] {
  return track.map((position) => position[key]);
}

function range(values: readonly number[]): number {
  return Math.max(...values) - Math.min(...values);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
