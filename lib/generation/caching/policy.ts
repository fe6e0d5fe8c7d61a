/** Contract of caching policies, which is all that a denoising loop knows about caching. */
import type * as z from "zod";
import { faultsOf, inOneSentence } from "../../shared/sentences/index.ts";
import type { Column, ColumnValues } from "./column.ts";
import { type GenerationFacts, type PolicyRun, plainFacts, type StepAhead } from "./facts.ts";
import type { Measured, SignalAfter, SignalBefore, SignalName } from "./signals.ts";

/** Decision about a step. `compute early` computes a step for which reuse was planned. */
export type Answer = "compute" | "reuse" | "compute early";

/**
 * Schedule of one generation so far. Immutable: `ask` and `tell` return the next state and change nothing, so a
 * generation that is cancelled, repeated or interleaved with another cannot affect it.
 */
export interface CacheState<Signal extends SignalName = SignalName, Key extends string = string> {
  /** Decides about a step. Called before every step, with the signals of the policy that are known by then. */
  ask(ahead: StepAhead & Measured<Signal & SignalBefore>): {
    readonly answer: Answer;
    /**
     * Weights of the kept residuals at a reused step, newest first: the step reuses their sum. By default the newest
     * one is reused as it is.
     */
    readonly weights?: readonly number[];
    readonly next: CacheState<Signal, Key>;
  };
  /**
   * Records the measurements of a computed step.
   *
   * @param denoisingStep 0-based
   * @returns the values of the policy's columns at that step, and the state after it
   */
  tell(denoisingStep: number, measured: Measured<Signal & SignalAfter>): Told<Signal, Key>;
}

export interface Told<Signal extends SignalName = SignalName, Key extends string = string> {
  readonly values: ColumnValues<Key>;
  /**
   * Corrects the steps that were reused since the last computed one, in hindsight: returns the weights of the clean
   * latents of this computed step and of those before it, newest first, whose sum takes the place of the clean latent
   * that was predicted at a reused step. Without it these steps stay as they were.
   */
  readonly correction?: (reusedStep: number) => readonly number[];
  readonly next: CacheState<Signal, Key>;
}

/** Form in which a request names a policy: a word, or a word with an argument after a colon. */
export interface PolicyForm<Options> {
  readonly word: string;
  readonly argument?: {
    /** Placeholder of the argument in texts, such as K. */
    readonly letter: string;
    /** Regular expression that the whole argument has to match. */
    readonly pattern: string;
    /** Description of valid arguments, which completes "needs ... after the colon". */
    readonly rule: string;
    readonly example: string;
    /** Meaning of the argument, for `--help`. */
    readonly meaning: string;
    /** Returns whether an argument that matches the pattern is within its bounds; if it is missing, all are. */
    isPossible?(argument: string): boolean;
  };
  /** Choice in the forms of pages: a label, and a sentence about it. Undefined for a policy that pages leave out. */
  readonly choice?: {
    readonly label: string;
    readonly meaning: string;
    /** Control of the argument: its unit and bounds, and the number that it begins with. */
    readonly input?: {
      readonly unit: string;
      readonly least: number;
      readonly most: number;
      readonly step: string;
      readonly usual: number;
    };
  };
  options(argument: string, run: PolicyRun): Options;
}

/**
 * Kind of policy, which describes itself. Receipts, traces, charts, tables, `--help` and the API's schemas are derived
 * from `options` and `columns`; graphs measure only `signals`. To add a kind, write a file with such a value and list
 * it in registry.ts.
 */
export interface PolicyKind<
  Shape extends z.ZodRawShape = z.ZodRawShape,
  Signal extends SignalName = SignalName,
  Key extends string = string,
> {
  readonly name: string;
  readonly forms: readonly PolicyForm<z.input<z.ZodObject<Shape>>>[];
  /** Schema of the options, with a description of each. Options of the same name mean the same in all kinds. */
  readonly options: z.ZodObject<Shape>;
  readonly signals: readonly Signal[];
  /** Values that the policy records. Columns of the same key mean the same in all kinds. */
  readonly columns: readonly Column<Key>[];
  /** Number of residuals that reused steps need, 1 by default. */
  readonly residuals?: number;
  /** Returns whether every step is computed with such options, so that nothing has to be measured or kept. */
  computesAll?(options: z.output<z.ZodObject<Shape>>): boolean;
  /** Returns a fresh state for one generation of `totalSteps` >= 1 steps. */
  start(
    options: z.output<z.ZodObject<Shape>>,
    totalSteps: number,
    facts: GenerationFacts,
  ): CacheState<Signal, Key>;
}

/** Declares a kind. Infers the names of its signals and columns, so that `start` is checked against both. */
export function policyKind<
  Shape extends z.ZodRawShape,
  const Signal extends SignalName = never,
  const Key extends string = never,
>(kind: PolicyKind<Shape, Signal, Key>): PolicyKind<Shape, Signal, Key> {
  return kind;
}

/**
 * Policy of a run: a kind with its options. It chooses which denoising steps are computed and which reuse the residual
 * of the last computed one.
 *
 * ```ts
 * let cache = policy.start(steps);
 * for (let step = 0; step < steps; step++) {
 *   const { answer, next } = cache.ask(ahead(step));
 *   cache = next;
 *   if (answer === "reuse") {
 *     await reuse(step);
 *     schedule.push(traceStep(policy, step, null));
 *   } else {
 *     const told = cache.tell(step, await compute(step));
 *     cache = told.next;
 *     schedule.push(traceStep(policy, step, told.values));
 *   }
 * }
 * ```
 */
export interface CachePolicy<Options = Readonly<Record<string, unknown>>> {
  /** Name in the request, such as `static:3`, or the name of a codebook file. */
  readonly name: string;
  readonly options: Options;
  readonly signals: readonly SignalName[];
  readonly columns: readonly Column[];
  /** Number of residuals that reused steps need, those of the last computed steps; 1 by default. */
  readonly residuals?: number;
  /**
   * Returns a fresh state for one generation.
   *
   * @throws RangeError if `totalSteps` is not an integer >= 1
   */
  start(totalSteps: number, facts?: Partial<GenerationFacts>): CacheState;
}

/**
 * Creates a policy of a kind.
 *
 * @throws RangeError if the options do not match the schema of the kind
 */
export function createPolicy<Shape extends z.ZodRawShape, Signal extends SignalName, Key extends string>(
  kind: PolicyKind<Shape, Signal, Key>,
  options: z.input<z.ZodObject<Shape>>,
  name = kind.name,
  known: Pick<GenerationFacts, "table"> = { table: null },
): CachePolicy<z.output<z.ZodObject<Shape>>> {
  const { success, data } = kind.options.safeParse(options);
  if (!success) {
    const faults = inOneSentence(faultsOf(kind.options, options, { whole: "it" }));
    throw new RangeError(`the options of ${kind.name} are wrong: ${faults}`);
  }
  const computesAll = kind.computesAll?.(data) ?? false;
  return {
    name,
    options: data,
    signals: computesAll ? [] : kind.signals,
    columns: kind.columns,
    ...(kind.residuals !== undefined && !computesAll && { residuals: kind.residuals }),
    start(totalSteps, facts) {
      checkTotalSteps(totalSteps);
      return kind.start(data, totalSteps, { ...plainFacts(totalSteps), ...known, ...facts });
    },
  };
}

function checkTotalSteps(totalSteps: number): void {
  if (!Number.isSafeInteger(totalSteps) || totalSteps < 1) {
    throw new RangeError(`a schedule needs a whole number of denoising steps, 1 or more, got ${totalSteps}`);
  }
}
