import type { Graph, Tensor, Value } from "../onnx/index.ts";

/** Extent of one video's latent, in latent units. */
export interface LatentShape {
  readonly channels: number;
  readonly frames: number;
  readonly height: number;
  readonly width: number;
}

/** What a video is to be, as far as a transformer is conditioned on it. */
export interface VideoShape {
  readonly latent: LatentShape;
  /** Height of the decoded video in pixels. */
  readonly height: number;
  /** Width of the decoded video in pixels. */
  readonly width: number;
  /** Frames per second of the decoded video. */
  readonly fps: number;
  /** Frames at the beginning of the latent that are there already, and stay as they are; none by default. */
  readonly givenFrames?: number;
}

/** The states of one text: `tokens` rows of the text encoder's width. */
export interface TextStates {
  readonly tokens: number;
  readonly data: Float32Array;
}

/** Weights whose values the host may ask for. */
export interface ReadableWeights {
  read(name: string): Promise<Float32Array>;
}

/** What blocks and head need to know of the step and the text. Its members belong to the architecture. */
export type Conditioning = Readonly<Record<string, Value>>;

/** What a block computes: the stream after it, and what it added to the stream, in order. */
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
 * B is 2, the conditional half first. A stream on which text has not acted yet may have B = 1: it stands for
 * both halves, and whatever meets it broadcasts.
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
  /** Tokens of the longest text, end token included. */
  readonly textLength: number;
  /** Tensors of a checkpoint that no graph needs: the host reads them, or they follow from the config. */
  readonly otherTensors: RegExp;
  /**
   * Declares the graph inputs that `stepFeeds` and `textFeeds` fill. `latent` is [1, C, F, H, W], x is [B, N,
   * D].
   */
  embed(graph: Graph, latent: Value): { x: Value; conditioning: Conditioning };
  block(index: number, x: Value, conditioning: Conditioning): BlockOutput;
  /** The velocity or noise predicted by each half [B, C, F, H, W]. */
  head(x: Value, conditioning: Conditioning): Value;
  /** Feeds of one denoising step; `timestep` is on the scale 0..1000. */
  stepFeeds(timestep: number): Record<string, Tensor>;
  /**
   * What the unconditional half attends to beside a prompt of `tokens` tokens, where a model learnt that with
   * its weights; without it, the text encoder's states of an empty prompt take its place.
   */
  nullText?(weights: ReadableWeights, tokens: number): Promise<TextStates>;
  /**
   * Whether the unconditional text has as many rows as the conditional one: it is cut after them, or goes on with
   * the states the text encoder has for padding. Otherwise each text has the rows of its own tokens.
   */
  readonly textsShareLength?: boolean;
  /** Feeds that stay the same for a whole generation. */
  textFeeds(conditional: TextStates, unconditional: TextStates): Record<string, Tensor>;
}
