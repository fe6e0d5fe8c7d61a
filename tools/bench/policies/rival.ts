/** Interface of a rival: a published caching policy that drives the product's own graphs. */
import type { GuidanceBatch, LatentShape } from "../../../lib/generation/models/index.ts";
import type { Calibration, CalibrationPart } from "./calibration.ts";

/** A published policy: one curve, with a setting for each of its points. */
export interface Rival {
  /** Name in tables and for `--only`. */
  readonly name: string;
  /** Paper or repository, and which form of the rule, for the report. */
  readonly source: string;
  /**
   * `rival` for a published policy, `variant` for one that is changed here, `reference` for a schedule that is planned
   * on other videos from the damage of skipping, and watches none.
   */
  readonly role: "rival" | "variant" | "reference";
  /** Measurements on calibration prompts that its constants or its schedule come from. */
  readonly needs?: readonly CalibrationPart[];
  /** Settings for a number of denoising steps, from the most computed steps to the fewest. */
  settings(steps: number): readonly RivalSetting[];
}

export interface RivalSetting {
  /** Short text such as `0.05`, unique among the settings of the rival. */
  readonly label: string;
  /** True for a default of the rival's own publication or code. */
  readonly isDefault?: boolean;
  /** True if it is measured at every number of steps, and not at 30 alone; defaults always are. */
  readonly everywhere?: boolean;
  /** Starts one video, or the second transformer of one. */
  start(context: RivalContext): RivalRun;
}

/** Facts of a run that do not change from step to step. */
export interface RivalContext {
  /** Number of denoising steps. */
  readonly steps: number;
  /** Timestep of each step as the model is told it, in order. */
  readonly timesteps: readonly number[];
  /** Number of blocks of the transformer. */
  readonly blocks: number;
  readonly latent: LatentShape;
  /** D, the width of a token in the stream. */
  readonly width: number;
  readonly guidanceScale: number;
  /** B: 2 with both guidance halves, the conditional one first, or 1. */
  readonly batch: GuidanceBatch;
  /** Measured on prompts that are not evaluated; it has the parts that the rival needs. */
  readonly calibration: Calibration;
}

/** A video that is being denoised. Holds the rival's tensors and the state of its rule. */
export interface RivalRun {
  /** Returns the prediction [1, C, F, H, W] after guidance that the sampler takes. Called for every step, in order. */
  step(step: RivalStep): Promise<Float32Array>;
}

/** A denoising step, and the graphs that can be run in it. */
export interface RivalStep {
  /** 0-based. */
  readonly index: number;
  /** Latent [1, C, F, H, W] before the step. It changes after the step: copy what is kept. */
  readonly latent: Float32Array;
  readonly graphs: StepGraphs;
}

/** Results of a computed step. */
export interface Computed {
  /** [1, C, F, H, W], after guidance. */
  readonly prediction: Float32Array;
  /** Sum of what all blocks add to the stream [B, N, D]. */
  readonly residual: Float32Array;
}

/** Predictions of a whole step [1, C, F, H, W]. */
export interface Halves {
  /** Prediction after guidance. */
  readonly prediction: Float32Array;
  readonly conditional: Float32Array;
  readonly unconditional: Float32Array;
}

/** Results of the first blocks of a step. */
export interface Front {
  /** Sum of what they add to the stream [B, N, D]. */
  readonly added: Float32Array;
  /** The stream after them [B, N, D]. */
  readonly stream: Float32Array;
}

/**
 * Graphs that can be run at a step. The harness counts their cost in computed steps, a whole one being 1, and measures
 * the time of everything.
 */
export interface StepGraphs {
  /** Runs all blocks; costs 1. */
  full(): Promise<Computed>;
  /** Returns the prediction with this sum [B, N, D] in place of the blocks; costs 0. */
  reuse(residual: Float32Array): Promise<Float32Array>;
  /** Runs the first `blocks` blocks; costs blocks / all blocks. */
  front(blocks: number): Promise<Front>;
  /** Runs the blocks after the first `blocks`, on what `front` returned; costs the rest of 1. */
  rest(blocks: number, front: Front): Promise<Computed>;
  /** Runs all blocks on the conditional half alone and returns its prediction; costs 0.5. */
  conditional(): Promise<Float32Array>;
  /** Runs all blocks and returns the predictions of both halves too; costs 1. */
  halves(): Promise<Halves>;
  /** Returns the modulated input of the first block [1, N, D]: TeaCache's signal; costs 0. */
  modulatedInput(): Promise<Float32Array>;
}
