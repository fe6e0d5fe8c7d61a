import type { Graph, Value } from "../onnx/index.ts";
import type { Condition } from "./conditions/condition.ts";
import type { TextCondition } from "./conditions/text.ts";
import type { GuidanceBatch } from "./guidance-batch.ts";

/** Extent of one video's latent, in latent units. */
export interface LatentShape {
  readonly channels: number;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** Extent and speed of a video, as a transformer is conditioned on them. */
export interface VideoShape {
  readonly latent: LatentShape;
  /** Height of the decoded video in pixels. */
  readonly height: number;
  /** Width of the decoded video in pixels. */
  readonly width: number;
  /** Frames per second of the decoded video. */
  readonly fps: number;
  /** Frames at the beginning of the latent that are given and stay as they are; 0 by default. */
  readonly givenFrames?: number;
}

/** Values of the step and the text that blocks and head need. Each architecture has its own members. */
export type Conditioning = Readonly<Record<string, Value>>;

/** Output of a block: the stream after it, and the residuals it added to the stream, in order. */
export interface BlockOutput {
  readonly x: Value;
  readonly residuals: readonly Value[];
  /** The gated residual of the block's temporal attention [B, N, D]. */
  readonly probe: Value;
}

/**
 * A diffusion transformer whose blocks only add to one stream of tokens between `embed` and `head`: what
 * caching needs to know of an architecture, and nothing more.
 *
 * B is the batch of the graph: both guidance halves, or the conditional half alone. Before cross-attention the halves
 * are identical, so the stream may have one row; it is broadcast to B later.
 */
export interface DiffusionTransformer {
  readonly latent: LatentShape;
  readonly blocks: number;
  /** Index of the block whose temporal attention residual is measured: the middle one, as in AdaCache. */
  readonly probeBlock: number;
  /** N = tokenFrames * tokensPerFrame. */
  readonly tokens: number;
  readonly tokensPerFrame: number;
  readonly tokenFrames: number;
  /** D. */
  readonly width: number;
  /** Inputs besides the latent that the prediction depends on. */
  readonly conditions: readonly Condition[];
  /** The condition for which the host encodes prompts; it is one of `conditions`. */
  readonly text: TextCondition;
  /** Tensors of a checkpoint that no graph needs: the host reads them, or they follow from the config. */
  readonly otherTensors: RegExp;
  /** Declares the inputs of all conditions. `latent` is [1, C, F, H, W], x is [1 or B, N, D]. */
  embed(graph: Graph, latent: Value, batch: GuidanceBatch): { x: Value; conditioning: Conditioning };
  block(index: number, x: Value, conditioning: Conditioning): BlockOutput;
  /** The velocity or noise predicted by each half [B, C, F, H, W]. */
  head(x: Value, conditioning: Conditioning): Value;
}
