export type Shape = readonly number[];

export function elementCount(shape: Shape): number {
  return shape.reduce((count, size) => count * size, 1);
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(", ")}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/** Returns the broadcast shape of two operands by numpy's rule, or undefined if they do not broadcast. */
export function broadcastShapes(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const result: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) return undefined;
    result.push(left === 1 ? right : left);
  }
  return result;
}

/** Returns `axis` counted from the front, or undefined if the tensor has no such axis. */
export function resolveAxis(axis: number, rank: number): number | undefined {
  const resolved = axis < 0 ? axis + rank : axis;
  return Number.isInteger(axis) && resolved >= 0 && resolved < rank ? resolved : undefined;
}

/** Returns `target` with its single -1 resolved, or undefined if the number of elements does not fit. */
export function resolveReshape(shape: Shape, target: Shape): Shape | undefined {
  const known = elementCount(target.filter((size) => size !== -1));
  const count = elementCount(shape);
  const free = target.filter((size) => size === -1).length;
  if (free > 1 || target.some((size) => !Number.isInteger(size) || size < -1)) return undefined;
  if (free === 0) return known === count ? target : undefined;
  if (known === 0 || count % known !== 0) return undefined;
  return target.map((size) => (size === -1 ? count / known : size));
}
