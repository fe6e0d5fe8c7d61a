import type { Graph, Tensor } from "../onnx/index.ts";
import type { BuildOptions } from "./build-options.ts";

export interface PaddingOptions {
  /** True if prompts attend to their padding; false by default. */
  readonly encodesPadding?: boolean | undefined;
}

/** Encodes token ids to the states that a diffusion transformer attends to. */
export interface TextEncoder {
  /** Width D of the states. */
  readonly width: number;
  /** Tensors of a checkpoint that the graph does not need: copies under other names, and parts beside the encoder. */
  readonly otherTensors: RegExp;
  /** Builds the graph for prompts of up to `length` tokens; its output `states` is [1, length, D]. */
  build(length: number, options: BuildOptions): Graph;
  /**
   * Returns the feeds of one prompt, padded to `length`. The first `ids.length` rows of the states are those of the
   * prompt. The other rows are those of padding, which attends to the prompt but is not attended to, unless the options
   * say so.
   *
   * @throws RangeError if there are no ids, too many, or one outside the vocabulary
   */
  feeds(ids: readonly number[], length: number, options?: PaddingOptions): Record<string, Tensor>;
}
