/** The contract of caching policies: the only thing a denoising loop has to know about caching. */
import * as z from "zod";
import type { Column, ColumnValues } from "./column.ts";
import type { Measured, SignalAfter, SignalBefore, SignalName } from "./signals.ts";

/** Facts that are known before a denoising step at no cost. */
export interface StepAhead {
  /** 0-based. */
  readonly denoisingStep: number;
  /** Seconds since denoising began. */
  readonly secondsSpent: number;
  /** Seconds until denoising has to be done; null when nobody set a limit, negative when it is exceeded. */
  readonly secondsLeft: number | null;
}

/** `compute early` ends a horizon: a reuse was planned, and the step is computed all the same. */
export type Answer = "compute" | "reuse" | "compute early";

/**
 * The schedule of one generation so far. Immutable: `ask` and `tell` return the next state and change nothing, so a
 * generation that is cancelled, repeated or interleaved with another leaves no trace in it.
 */
export interface CacheState<Signal extends SignalName = SignalName, Key extends string = string> {
  /** Decides about a step. It is asked before every step, with the signals of the policy that are known there. */
  ask(ahead: StepAhead & Measured<Signal & SignalBefore>): {
    readonly answer: Answer;
    readonly next: CacheState<Signal, Key>;
  };
  /**
   * Takes down what a computed step measured.
   *
   * @param denoisingStep 0-based
   * @returns the values of the policy's columns at that step, and the state after it
   */
  tell(
    denoisingStep: number,
    measured: Measured<Signal & SignalAfter>,
  ): { readonly values: ColumnValues<Key>; readonly next: CacheState<Signal, Key> };
}

/** Facts about the run that a policy's options may depend on. */
export interface PolicyRun {
  /** Denoising steps. */
  readonly steps: number;
  /** True to regularise by motion; policies that measure none ignore it. */
  readonly motion: boolean;
}

/** A way to ask for a policy in a request: a word, or a word with an argument after a colon. */
export interface PolicyForm<Options> {
  readonly word: string;
  readonly argument?: {
    /** Stands for the argument in texts, such as K. */
    readonly letter: string;
    /** Regular expression of the whole argument. */
    readonly pattern: string;
    /** Completes "needs ... after the colon". */
    readonly rule: string;
    readonly example: string;
    /** Meaning of the argument, for `--help`. */
    readonly meaning: string;
  };
  options(argument: string, run: PolicyRun): Options;
}

/**
 * A kind of policy, which describes itself. Receipts, traces, charts, tables, `--help` and the API's schemas are made
 * from `options` and `columns`; graphs measure only `signals`. A new kind is a file with such a value, and a line in
 * registry.ts.
 */
export interface PolicyKind<
  Shape extends z.ZodRawShape = z.ZodRawShape,
  Signal extends SignalName = SignalName,
  Key extends string = string,
> {
  readonly name: string;
  readonly forms: readonly PolicyForm<z.input<z.ZodObject<Shape>>>[];
  /** Every option has a description; options of the same name mean the same in all kinds. */
  readonly options: z.ZodObject<Shape>;
  readonly signals: readonly Signal[];
  /** Columns of the same key mean the same in all kinds. */
  readonly columns: readonly Column<Key>[];
  /** Returns a fresh state for one generation of `totalSteps` >= 1 steps. */
  start(options: z.output<z.ZodObject<Shape>>, totalSteps: number): CacheState<Signal, Key>;
}

/** Declares a kind: infers the names of its signals and columns, so that `start` is checked against both. */
export function policyKind<
  Shape extends z.ZodRawShape,
  const Signal extends SignalName = never,
  const Key extends string = never,
>(kind: PolicyKind<Shape, Signal, Key>): PolicyKind<Shape, Signal, Key> {
  return kind;
}

/**
 * Chooses which denoising steps are computed and which reuse the residual of the last computed one: a kind with its
 * options.
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
  /** The text of the request, such as `static:3`, or the name of a codebook file. */
  readonly name: string;
  readonly options: Options;
  readonly signals: readonly SignalName[];
  readonly columns: readonly Column[];
  /**
   * Returns a fresh state for one generation.
   *
   * @throws RangeError if `totalSteps` is not an integer >= 1
   */
  start(totalSteps: number): CacheState;
}

/** @throws RangeError if the options are not what the kind takes */
export function createPolicy<Shape extends z.ZodRawShape, Signal extends SignalName, Key extends string>(
  kind: PolicyKind<Shape, Signal, Key>,
  options: z.input<z.ZodObject<Shape>>,
  name = kind.name,
): CachePolicy<z.output<z.ZodObject<Shape>>> {
  const { success, data, error } = kind.options.safeParse(options);
  if (!success) throw new RangeError(`the options of ${kind.name} are wrong: ${z.prettifyError(error)}`);
  return {
    name,
    options: data,
    signals: kind.signals,
    columns: kind.columns,
    start(totalSteps) {
      checkTotalSteps(totalSteps);
      return kind.start(data, totalSteps);
    },
  };
}

function checkTotalSteps(totalSteps: number): void {
  if (!Number.isSafeInteger(totalSteps) || totalSteps < 1) {
    throw new RangeError(`a schedule needs a whole number of denoising steps, 1 or more, got ${totalSteps}`);
  }
}
