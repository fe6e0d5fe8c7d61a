import type { Graph, Value } from "../onnx/index.ts";
import type { Condition } from "./conditions/condition.ts";
import type { TextCondition } from "./conditions/text.ts";
import type { GuidanceBatch } from "./guidance-batch.ts";

/** Extent of the latent of a video, in latent units. */
export interface LatentShape {
  readonly channels: number;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** Extent and speed of a video, as a transformer is conditioned on them. */
export interface VideoShape {
  readonly latent: LatentShape;
  /** Number of frames of the decoded video, for transformers that are told the time of a token. */
  readonly frames?: number;
  /** Height of the decoded video in pixels. */
  readonly height: number;
  /** Width of the decoded video in pixels. */
  readonly width: number;
  /** Frames per second of the decoded video. */
  readonly fps: number;
  /** Number of latent frames that pictures at the beginning of the video give; 0 by default. */
  readonly givenFrames?: number;
  /** True if a picture is given for the last frame of the video; false by default. */
  readonly hasLastPicture?: boolean;
  /** Rows of the vision encoder's states for each picture; those of CLIP's ViT-H/14 by default. */
  readonly pictureTokens?: number;
}

/** Values of the step and the text that blocks and head need. Each architecture has its own members. */
export type Conditioning = Readonly<Record<string, Value>>;

/** Output of a block: the stream after it, and the residuals it added to the stream, in order. */
export interface BlockOutput {
  readonly x: Value;
  readonly residuals: readonly Value[];
  /** Gated residual [B, N, D] of the block's temporal attention, or of its self-attention if it has no temporal one. */
  readonly probe: Value;
}

/**
 * Diffusion transformer whose blocks only add to one stream of tokens between `embed` and `head`. The interface holds
 * everything that caching needs to know of an architecture.
 *
 * B is the batch of the graph: both guidance halves, or the conditional half alone. Before cross-attention the halves
 * are identical, so the stream may have one row; it is broadcast to B later.
 */
export interface DiffusionTransformer {
  readonly latent: LatentShape;
  readonly blocks: number;
  /** Index of the block whose probe is measured: the middle one, as in AdaCache. */
  readonly probeBlock: number;
  /** Number of tokens: N = tokenFrames * tokensPerFrame. */
  readonly tokens: number;
  readonly tokensPerFrame: number;
  readonly tokenFrames: number;
  /** D. */
  readonly width: number;
  /** Inputs besides the latent that the prediction depends on. */
  readonly conditions: readonly Condition[];
  /** Condition for which the host encodes prompts; it is one of `conditions`. */
  readonly text: TextCondition;
  /** Tensors of a checkpoint that no graph needs, because the host reads them or they follow from the config. */
  readonly otherTensors: RegExp;
  /**
   * Turns a latent [1, C, F, H, W] into the stream x [1 or B, N, D] and the conditioning of blocks and head. Declares
   * the graph inputs of all conditions.
   */
  embed(graph: Graph, latent: Value, batch: GuidanceBatch): { x: Value; conditioning: Conditioning };
  block(index: number, x: Value, conditioning: Conditioning): BlockOutput;
  /** Returns the velocity or noise that each half predicts [B, C, F, H, W]. */
  head(x: Value, conditioning: Conditioning): Value;
}
