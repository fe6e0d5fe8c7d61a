import type { Graph } from "../onnx/index.ts";
import type { BuildOptions } from "./build-options.ts";
import type { LatentExtent } from "./latent-decoder.ts";

/** Encodes an image to the first latent frame of a video that begins with it. */
export interface ImageEncoder {
  /**
   * Builds the graph. Input `picture` [1, 3, height * scale, width * scale] in -1..1, where scale is the decoder's;
   * output `latent` [1, C, 1, height, width].
   */
  build(size: Omit<LatentExtent, "frames">, options: BuildOptions): Graph;
}

/** Names of the input and the output of every image encoder's graph. */
export const encoderNames = { picture: "picture", latent: "latent" } as const;
