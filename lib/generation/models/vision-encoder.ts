import type { Graph } from "../onnx/index.ts";
import type { BuildOptions } from "./build-options.ts";

/** Encodes a picture to the states that a diffusion transformer attends to. */
export interface VisionEncoder {
  /** Pixels along one edge of the pictures that it takes. */
  readonly side: number;
  /** Number of states T of a picture. */
  readonly tokens: number;
  /** Width D of the states. */
  readonly width: number;
  /** Tensors of a checkpoint that the graph does not need. */
  readonly otherTensors: RegExp;
  /** Builds the graph. Input `pixels` [1, 3, side, side], normalised; output `states` [1, T, D]. */
  build(options: BuildOptions): Graph;
}

/** Names of the input and the output of every vision encoder's graph. */
export const visionNames = { pixels: "pixels", states: "states" } as const;
