import { UsageError } from "../../../lib/shared/command-line/index.ts";
import { positiveInteger, userPath, type Written } from "../options.ts";
import { CLOCKS, type Clock } from "./clock.ts";
import { groupNames, policyMethods } from "./methods.ts";
import type { MeasurementPlan } from "./plan.ts";
import { calibrationPrompts, evaluationPrompts, readPrompts } from "./prompts.ts";
import { YARDSTICK } from "./report.ts";
import { type MethodName, methodKey } from "./results.ts";

/** Numbers of denoising steps of a complete run, in the order of measurement. */
export const POLICY_STEP_COUNTS: readonly number[] = [30, 20, 50, 100];

const MOST_STEPS = 1000;
const MOST_THREADS = 256;
const MOST_WORKERS = 64;
/** Steps of a list at most. */
const MOST_COUNTS = 8;

/** First seed of calibration prompts from a file without seeds. */
const CALIBRATION_SEED = 5000;

const QUICK = { prompts: 4, calibrationPrompts: 2, stepCounts: POLICY_STEP_COUNTS.slice(0, 1) } as const;

export type PolicyValues = Written<
  | "model"
  | "prompts"
  | "calibration"
  | "steps"
  | "only"
  | "threads"
  | "workers"
  | "clock"
  | "yardstick"
  | "from"
>["values"] & { readonly resume: boolean };

/**
 * Returns what a command line asks for.
 *
 * @throws UsageError naming the option that cannot be used
 */
export function planOf(values: PolicyValues): MeasurementPlan {
  const quick = values.quick ? QUICK : null;
  const prompts = values.prompts === undefined ? evaluationPrompts : readPrompts(userPath(values.prompts));
  const calibration =
    values.calibration === undefined
      ? calibrationPrompts
      : readPrompts(userPath(values.calibration), CALIBRATION_SEED);
  const shared = calibration.find(({ text }) => prompts.some((prompt) => prompt.text === text));
  if (shared) {
    throw new UsageError(
      `The prompt ${JSON.stringify(shared.text)} calibrates and is evaluated: it must do only one.`,
    );
  }
  return {
    prompts: quick ? prompts.slice(0, quick.prompts) : prompts,
    calibrationPrompts: quick ? calibration.slice(-quick.calibrationPrompts) : calibration,
    stepCounts:
      values.steps === undefined ? (quick?.stepCounts ?? POLICY_STEP_COUNTS) : stepsOf(values.steps),
    threads: values.threads === undefined ? 1 : positiveInteger("threads", values.threads, MOST_THREADS),
    clock: clockOf(values.clock),
    workers: values.workers === undefined ? 1 : positiveInteger("workers", values.workers, MOST_WORKERS),
    only: values.only === undefined ? null : groupsOf(values.only),
    resume: values.resume,
  };
}

function clockOf(text: string | undefined): Clock {
  const clock = CLOCKS.find((one) => one === (text ?? CLOCKS[0]));
  if (clock) return clock;
  throw new UsageError(`--clock must be ${CLOCKS.join(" or ")}, got ${JSON.stringify(text)}.`);
}

function stepsOf(text: string): number[] {
  const counts = text.split(",").map((part) => positiveInteger("steps", part.trim(), MOST_STEPS));
  if (counts.length > MOST_COUNTS) throw new UsageError(`--steps takes at most ${MOST_COUNTS} numbers.`);
  if (Math.min(...counts) < 4)
    throw new UsageError("--steps must be 4 or more: below that nothing can be saved.");
  return [...new Set(counts)];
}

/** Returns the names of curves in a list; a name may itself hold a comma, as in `AdaCache, motion`. */
function groupsOf(text: string): string[] {
  const known = groupNames();
  const found: string[] = [];
  let rest = text.trim();
  while (rest !== "") {
    const name = known
      .filter((one) => rest === one || rest.startsWith(`${one},`))
      .sort((a, b) => b.length - a.length)[0];
    if (!name) {
      throw new UsageError(`--only has no policy ${JSON.stringify(rest)}: use ${known.join("; ")}.`);
    }
    found.push(name);
    rest = rest.slice(name.length).replace(/^\s*,\s*/, "");
  }
  if (found.length === 0) throw new UsageError(`--only needs the name of a policy: ${known.join("; ")}.`);
  return [...new Set(found)];
}

/**
 * Returns the setting that curves are compared with.
 *
 * @throws UsageError unless it is one of those that are measured at 30 steps
 */
export function yardstickOf(text: string | undefined): MethodName {
  if (text === undefined) return YARDSTICK;
  const method = policyMethods(30).find((one) => methodKey(one) === text);
  if (method) return method;
  throw new UsageError(
    `--yardstick takes a policy and its setting, such as ${JSON.stringify(methodKey(YARDSTICK))}, got ${JSON.stringify(text)}.`,
  );
}
