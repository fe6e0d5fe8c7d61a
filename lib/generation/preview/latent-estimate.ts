/** Clean latent that a denoising step implies, as its parts: `kept * latent + added * prediction`. */
export interface LatentEstimate {
  /** Latent before the step [C, F, H, W]. */
  readonly latent: Float32Array;
  readonly prediction: Float32Array;
  readonly kept: number;
  readonly added: number;
}
