import type { Graph, Tensor } from "../onnx/index.ts";
import type { BuildOptions } from "./build-options.ts";

/** Turns token ids into the states a diffusion transformer attends to. */
export interface TextEncoder {
  /** D of the states. */
  readonly width: number;
  /** Tensors of a checkpoint that the graph does not need: copies under other names, and parts beside the encoder. */
  readonly otherTensors: RegExp;
  /** The graph for prompts of up to `length` tokens; its output `states` is [1, length, D]. */
  build(length: number, options: BuildOptions): Graph;
  /**
   * Feeds for one prompt, padded to `length`. The first `ids.length` rows of the states are the prompt's; the
   * others are those of padding, which attends to the prompt and is attended to by nothing.
   *
   * @throws RangeError when there are no ids, too many, or one outside the vocabulary
   */
  feeds(ids: readonly number[], length: number): Record<string, Tensor>;
}
