/**
 * Affine map from a latent position and those around it to the pixels that the position becomes in a preview: a block
 * of `pixels` by `pixels`, each with red, green and blue in 0..255. Beyond the edges, positions are those at the edge.
 *
 * Where a latent has few channels, the neighbours of a position say much about its colours.
 */
export interface LinearMap {
  readonly channels: number;
  /** Neighbours that are looked at, in each direction: 0 for the position alone, 1 for 3 by 3 positions. */
  readonly reach: number;
  /** Pixels along one edge of a block. */
  readonly pixels: number;
  /**
   * Weights [pixels * pixels * 3][places * channels]: rows of pixels top to bottom, colours innermost; places top to
   * bottom and left to right, channels innermost.
   */
  readonly matrix: readonly (readonly number[])[];
  readonly offset: readonly number[];
}

/** Returns the number of positions that a map of this reach looks at. */
export function placesOf(reach: number): number {
  return (2 * reach + 1) ** 2;
}
