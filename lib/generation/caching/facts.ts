/** Facts that are known before a policy decides: about a run, a generation, and a step. */
import type { ErrorTable } from "./budget/table.ts";

/** Facts about the run that a policy's options may depend on. A missing one is not known. */
export interface PolicyRun {
  /** Number of denoising steps. */
  readonly steps: number;
  /** True to use motion regularisation; policies that do not measure motion ignore it. */
  readonly motion: boolean;
  /** True to forecast reused residuals; if it is missing, the policy decides. */
  readonly forecast?: boolean | undefined;
  /** Name of the model, for sentences. */
  readonly model?: string | undefined;
  /** Steps that the model takes by default. */
  readonly modelSteps?: number | undefined;
  /** True if the model was distilled to the steps that it takes, so that none can be left out. */
  readonly isDistilled?: boolean | undefined;
  /** Precision of the products in the blocks of the transformer. */
  readonly precision?: "float32" | "float16" | "int8" | undefined;
  /** Null if the model has no table that fits. */
  readonly table?: ErrorTable | null | undefined;
  /** Sentence that says why the table that lies beside the model does not fit. */
  readonly tableRefused?: string | undefined;
}

/** Facts about a generation that its schedule may depend on. */
export interface GenerationFacts {
  /** Share of noise in the latent before each step, 1 to 0. */
  readonly noiseLevels: readonly number[];
  /** Table of the model; null without one that holds for this generation. */
  readonly table: ErrorTable | null;
  /** Index of the first step: above 0 if a second transformer takes over. */
  readonly firstStep: number;
  /** Steps that the first transformer computed. */
  readonly computedBefore: number;
  /** Seconds of a computed and of a reused step, as far as they were measured before. */
  readonly stepSeconds: { readonly computed: number; readonly reused: number } | null;
}

/** Returns the facts of a generation about which nothing is known but its number of steps. */
export function plainFacts(totalSteps: number): GenerationFacts {
  const noiseLevels = Array.from({ length: totalSteps }, (_, step) => 1 - step / totalSteps);
  return { noiseLevels, table: null, firstStep: 0, computedBefore: 0, stepSeconds: null };
}

/** Facts that are known before a denoising step at no cost. */
export interface StepAhead {
  /** Index of the step, 0-based. */
  readonly denoisingStep: number;
  /** Seconds since denoising began. */
  readonly secondsSpent: number;
  /** Seconds until denoising has to be done; null without a limit, negative once it is exceeded. */
  readonly secondsLeft: number | null;
}
