/** Filter of a resampling: its weight at a distance from the centre, in source pixels, and where it ends. */
interface Filter {
  readonly support: number;
  weight(distance: number): number;
}

/** Name of a filter that {@link FILTERS} holds. */
export type FilterName = "bilinear" | "bicubic" | "lanczos";

/**
 * Filters for resampling: a triangle, Keys' cubic convolution with a = -0.5, and a sinc in a window of three lobes.
 *
 * @see R. Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 29(6), 1981
 */
export const FILTERS: Readonly<Record<FilterName, Filter>> = {
  bilinear: { support: 1, weight: (distance) => Math.max(0, 1 - Math.abs(distance)) },
  bicubic: { support: 2, weight: (distance) => cubic(Math.abs(distance)) },
  lanczos: {
    support: 3,
    weight: (distance) => (Math.abs(distance) < 3 ? sinc(distance) * sinc(distance / 3) : 0),
  },
};

function cubic(x: number): number {
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((x - 5) * x + 8) * x * -0.5 + 2;
  return 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
