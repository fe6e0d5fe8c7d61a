/** What a rival is to the harness: a published caching policy that drives the product's own graphs. */
import type { LatentShape } from "../../../lib/generation/models/index.ts";
import type { Calibration } from "./calibration.ts";

/**
 * Decision rule of a rival, without tensors. It is immutable: `ask` and `tell` return the next state and change
 * nothing, so that recorded signals can be replayed.
 *
 * ```ts
 * const { compute, next } = rule.ask(step, signals);
 * rule = compute ? next.tell(step, measured) : next;
 * ```
 */
export interface Rule<Before, After = void> {
  /**
   * Decides whether a step is computed. Called once for every step, in order.
   *
   * @param step  0-based
   * @param before  what the rule may know before the step's blocks run
   */
  ask(step: number, before: Before): { readonly compute: boolean; readonly next: Rule<Before, After> };
  /** Records what a computed step measured. Called after an `ask` that was answered with `compute` only. */
  tell(step: number, after: After): Rule<Before, After>;
}

/** Numbers and switches of one setting of a rival. */
export type SettingValues = Readonly<Record<string, number | boolean>>;

/** One point on the curve of a rival. */
export interface RivalSetting<Values extends SettingValues = SettingValues> {
  /** Short text such as `0.05`, unique among the settings of the rival. */
  readonly label: string;
  readonly values: Values;
  /** True for the default of the rival's own publication or code. */
  readonly isDefault?: true;
  /** True if it is measured at every number of steps, and not at 30 alone; defaults always are. */
  readonly everywhere?: true;
}

/** A published policy with its settings. */
export interface Rival<Values extends SettingValues = SettingValues> {
  /** Name in tables and for `--only`. */
  readonly name: string;
  /** Paper or repository, and which form of the rule, in one sentence for the report. */
  readonly source: string;
  /** True if its schedule or its constants are measured on calibration prompts. */
  readonly isCalibrated: boolean;
  /** True if the schedule is planned before the video is begun: an offline reference. */
  readonly isOffline?: true;
  /** Settings, from the most steps to the fewest. */
  settings(context: { readonly steps: number; readonly blocks: number }): readonly RivalSetting<Values>[];
  /** Starts one video, or the second transformer of one. */
  start(values: Values, context: RivalContext): RivalRun;
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
  readonly guidanceScale: number;
  /** Measured on prompts that are not evaluated; only rivals with `isCalibrated` may read it. */
  readonly calibration: Calibration;
}

/** One video being denoised. Holds the rival's tensors and the state of its rule. */
export interface RivalRun {
  /** Returns the prediction [1, C, F, H, W] after guidance that the sampler takes. Called for every step, in order. */
  step(step: RivalStep): Promise<Float32Array>;
}

/** One denoising step, and what can be run in it. */
export interface RivalStep {
  /** 0-based. */
  readonly index: number;
  /** Latent [1, C, F, H, W] before the step. It changes after the step: copy what is kept. */
  readonly latent: Float32Array;
  readonly graphs: StepGraphs;
}

/** What a computed step gives. */
export interface Computed {
  /** [1, C, F, H, W], after guidance. */
  readonly prediction: Float32Array;
  /** Sum of what all blocks add to the stream [B, N, D]. */
  readonly residual: Float32Array;
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
  /** Returns what the first `blocks` blocks add [B, N, D]; costs blocks / all blocks. */
  front(blocks: number): Promise<Float32Array>;
  /** Runs the blocks after the first `blocks`, on what `front` returned; costs the rest of 1. */
  rest(blocks: number, front: Float32Array): Promise<Computed>;
  /** Runs all blocks on the conditional half alone and returns its prediction; costs 0.5. */
  conditional(): Promise<Float32Array>;
  /** Runs all blocks and returns the predictions of both halves, from which guidance is made; costs 1. */
  halves(): Promise<{ readonly conditional: Float32Array; readonly unconditional: Float32Array }>;
  /** Returns the modulated input of the first block [1, N, D]: TeaCache's signal; costs 0. */
  modulatedInput(): Promise<Float32Array>;
}
