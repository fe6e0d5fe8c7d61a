/**
 * Affine map from the channels of a latent position to the pixels that the position becomes in a preview: a block of
 * `pixels` by `pixels`, each with red, green and blue in 0..255.
 */
export interface LinearMap {
  readonly channels: number;
  /** Pixels along one edge of a block. */
  readonly pixels: number;
  /** Weights of the channels [pixels * pixels * 3][channels]: rows of pixels top to bottom, colours innermost. */
  readonly matrix: readonly (readonly number[])[];
  readonly offset: readonly number[];
}
