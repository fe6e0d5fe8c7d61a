import { isDeepStrictEqual } from "node:util";
import { UsageError } from "../../../lib/shared/command-line/index.ts";
import type { Calibration, CalibrationPart } from "./calibration.ts";
import type { Clock } from "./clock.ts";
import { type PolicyMethod, policyMethods, recorded } from "./methods.ts";
import type { PolicyPrompt } from "./prompts.ts";
import { methodKey, type PolicyResults } from "./results.ts";
import type { Task } from "./task.ts";

/** Work of a command, as its options ask for it. */
export interface MeasurementPlan {
  readonly prompts: readonly PolicyPrompt[];
  readonly calibrationPrompts: readonly PolicyPrompt[];
  readonly stepCounts: readonly number[];
  /** Threads of each graph. */
  readonly threads: number;
  readonly clock: Clock;
  /** Processes that measure side by side, this one included. */
  readonly workers: number;
  /** Names of curves; null for all. */
  readonly only: readonly string[] | null;
  /** Keys of methods that this model refuses, such as promises in dB where it has no table. */
  readonly refused?: readonly string[];
  /** True to go on with the results of an earlier command, and measure what is missing there. */
  readonly resume: boolean;
}

/** Returns the methods of a plan at one number of steps. */
export function plannedMethods(
  { only, refused = [] }: Pick<MeasurementPlan, "only" | "refused">,
  steps: number,
): PolicyMethod[] {
  return policyMethods(steps).filter(
    (method) => (!only || only.includes(method.group)) && !refused.includes(methodKey(method)),
  );
}

/**
 * Returns results from which a plan goes on. For a new plan they are empty; with `resume` they are the earlier ones, and
 * with `only` the earlier ones without those curves at the plan's numbers of steps.
 *
 * @param begun  circumstances, threads and prompts of this command
 * @throws UsageError if the earlier results are of other prompts, another model or another number of threads
 */
export function resultsToGoOn(
  plan: MeasurementPlan,
  begun: PolicyResults,
  earlier: PolicyResults | null,
): PolicyResults {
  const isNew = earlier === null || !(plan.resume || plan.only);
  const base = isNew ? begun : merged(earlier, begun);
  const isDropped = (run: PolicyResults["runs"][number]) =>
    !plan.resume && plan.stepCounts.includes(run.steps) && (plan.only?.includes(run.group) ?? true);
  const planned = plan.stepCounts.flatMap((steps) => plannedMethods(plan, steps).map(recorded));
  const methods = new Map([...base.methods, ...planned].map((method) => [methodKey(method), method]));
  return {
    ...base,
    methods: inOrder([...methods.values()]),
    runs: base.runs.filter((run) => !isDropped(run)),
  };
}

function merged(earlier: PolicyResults, begun: PolicyResults): PolicyResults {
  const model = (results: PolicyResults) => results.circumstances[0]!.model?.sha256;
  const differences = [
    ...(model(earlier) === model(begun) ? [] : ["another model"]),
    ...(isDeepStrictEqual(earlier.prompts, begun.prompts) ? [] : ["other prompts"]),
    ...(isDeepStrictEqual(earlier.calibrationPrompts, begun.calibrationPrompts)
      ? []
      : ["other calibration prompts"]),
    ...(earlier.threads === begun.threads ? [] : [`--threads ${earlier.threads}`]),
    ...(earlier.clock === begun.clock ? [] : [`--clock ${earlier.clock}`]),
  ];
  if (differences.length > 0) {
    throw new UsageError(
      `The earlier results are of ${differences.join(" and ")}: measure everything anew, without --resume and --only.`,
    );
  }
  return { ...earlier, circumstances: [...earlier.circumstances, ...begun.circumstances] };
}

/** Sorts methods as the harness lists them; those that it no longer knows come last. */
function inOrder(methods: PolicyResults["methods"]): PolicyResults["methods"] {
  const order = new Map(
    policyMethods(30)
      .map(({ group }, index) => [group, index] as const)
      .toReversed(),
  );
  const at = ({ group }: { group: string }) => order.get(group) ?? Infinity;
  return methods.toSorted((a, b) => (at(a) === at(b) ? 0 : at(a) - at(b)));
}

/** Returns what is still to be measured at one number of steps, prompt after prompt. */
export function missingTasks(
  plan: MeasurementPlan,
  results: PolicyResults,
  calibration: Calibration,
): Task[] {
  const { steps } = calibration;
  const keys = plannedMethods(plan, steps).map(methodKey);
  return plan.prompts.flatMap((prompt, index) => {
    const done = new Set(
      results.runs.filter((run) => run.steps === steps && run.prompt === index).map((run) => methodKey(run)),
    );
    const methods = rotate(keys, index).filter((key) => !done.has(key));
    return methods.length === 0 ? [] : [{ index, prompt, methods, calibration }];
  });
}

/** Returns the parts of a calibration that a plan needs at a number of steps and that `known` lacks. */
export function missingParts(
  plan: MeasurementPlan,
  steps: number,
  known: Calibration | undefined,
): Set<CalibrationPart> {
  const needs = plannedMethods(plan, steps).flatMap((method) => method.needs);
  return new Set(needs.filter((part) => !known || known[part].length === 0));
}

/** Turns a list so that with every prompt another method comes first. */
function rotate<T>(items: readonly T[], by: number): T[] {
  // A step that shares no factor with most lengths, so that neighbours change too.
  const at = (by * 7) % Math.max(items.length, 1);
  return [...items.slice(at), ...items.slice(0, at)];
}
