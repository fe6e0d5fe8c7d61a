import type { Graph } from "../onnx/index.ts";
import type { BuildOptions } from "./build-options.ts";

/** Turns latents into pictures. */
export interface LatentDecoder {
  /** Channels of a latent. */
  readonly channels: number;
  /** Pixels along one edge of a latent's element. */
  readonly scale: number;
  /**
   * Input `latent` [F, C, height, width]; output `frames` [F, 3, height * scale, width * scale], nominally
   * -1..1.
   */
  build(extent: { frames: number; height: number; width: number }, options: BuildOptions): Graph;
}
