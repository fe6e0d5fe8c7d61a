/** The budget: as few computed steps as a promise allows. */
import * as z from "zod";
import type { StoredOptions } from "../column.ts";
import { type PolicyRun, plainFacts } from "../facts.ts";
import { forecast, optionTexts } from "../option.ts";
import { type CachePolicy, createPolicy, type PolicyForm, policyKind } from "../policy.ts";
import { CachePolicyError } from "../policy-error.ts";
import { decibelsIn, type Goal, goalSchema, promiseArguments, secondsIn } from "./goal.ts";
import { bestPromise } from "./ladder.ts";
import { startPlanned } from "./planned.ts";
import { startBudget } from "./start.ts";
import type { ErrorTable } from "./table.ts";
import { tableCommand } from "./table-file.ts";

/** Number of steps up to which reuse saves nothing: distilled models make videos in 4 to 8. */
const FEW_STEPS = 8;

/** Signals for generations with a table, and for those without. */
const SIGNALS = [
  "cleanSquare",
  "cleanProduct",
  "cleanProductBefore",
  "latentChange",
  "predictionChange",
  "predictionSize",
  "latentDistance",
] as const;

/**
 * Largest PSNR in dB that a promise can be kept to, by the precision of the products in the blocks. A promise is no
 * closer to the video without cache than that is to float32: in int8 the demo model's, without cache, came to 40.0 dB
 * at worst, of eight videos (docs/benchmarks.md, Quality in int8).
 */
const DECIBELS_MAX = { float32: 80, float16: 45, int8: 40 } as const;

const options = z.strictObject({
  goal: goalSchema
    .nullable()
    .describe("The promise that was asked for; null where the request left the choice to the service."),
  computesAll: z
    .boolean()
    .describe("True if every step is computed, because a run of so few steps has nothing to save.")
    .register(optionTexts, { explain }),
  forecast,
});

type Options = z.input<typeof options>;

/**
 * Computes as few steps as a promise allows: a PSNR against the video without cache, a time, or a number of steps.
 * Without a promise it computes as many as the service holds to be worth their time.
 */
export const budget = policyKind({
  name: "budget",
  forms: [
    {
      word: "auto",
      choice: {
        label: "Auto",
        meaning: "Computes the steps that this video needs: the service's own choice, and the default.",
      },
      options: (_, run) => ({
        goal: null,
        computesAll: hasFewSteps(run),
        forecast: run.forecast ?? true,
      }),
    },
    promised("at_least", {
      label: "At least",
      meaning: "Stays this close to the video without cache: PSNR in dB against the one of the same seed.",
      input: { unit: "dB", least: 1, most: 100, step: "any", usual: 35 },
      goal(text, run) {
        const decibels = decibelsIn(text);
        checkDecibels(decibels, run);
        return { at_least_db: decibels };
      },
    }),
    promised("at_most", {
      label: "At most",
      meaning: "Takes no longer than this: seconds of encoding, denoising and decoding together.",
      input: { unit: "s", least: 0.01, most: 86_400, step: "any", usual: 60 },
      goal: (text) => ({ at_most_seconds: secondsIn(text) }),
    }),
    promised("computed_steps", {
      label: "Computed",
      meaning: "Computes this number of steps, where they help most.",
      input: { unit: "steps", least: 1, most: 1000, step: "1", usual: 12 },
      goal(text, run) {
        const count = Number(text);
        checkComputedSteps(count, run);
        return { computed_steps: count };
      },
    }),
  ],
  options,
  signals: [...SIGNALS],
  residuals: 2,
  computesAll: ({ computesAll }) => computesAll,
  columns: [
    {
      key: "surprise",
      label: "Surprise",
      format: "number",
      description:
        "Error of the last forecast over the error that the model's table expected; 1 is as expected.",
    },
    {
      key: "predicted",
      label: "Predicted",
      format: "number",
      description: "PSNR in dB that is predicted for the whole video so far; unknown without a table.",
    },
  ],
  start: startBudget,
});

/**
 * Returns the policy of a damage, which calibrations compare with the PSNR that it comes to.
 *
 * @param damageDb damage in dB below the clean latent
 */
export function budgetOfDamage(table: ErrorTable, damageDb: number): CachePolicy {
  const options = { goal: null, computesAll: false, forecast: true };
  const policy = createPolicy(budget, options, `damage:${damageDb}dB`, { table });
  return {
    ...policy,
    start: (totalSteps, facts) =>
      startPlanned({ ...options, damageDb }, totalSteps, { ...plainFacts(totalSteps), ...facts, table }),
  };
}

/** Returns whether reuse has nothing to save: in a run of few steps, or with a model that needs only few. */
export function hasFewSteps({ steps, modelSteps = Infinity }: Pick<PolicyRun, "steps" | "modelSteps">) {
  return Math.min(steps, modelSteps) <= FEW_STEPS;
}

interface Promised {
  readonly label: string;
  readonly meaning: string;
  readonly input: NonNullable<NonNullable<PolicyForm<unknown>["choice"]>["input"]>;
  goal(argument: string, run: PolicyRun): Goal;
}

function promised(word: keyof typeof promiseArguments, { goal, ...choice }: Promised): PolicyForm<Options> {
  return {
    word,
    argument: promiseArguments[word],
    choice,
    options: (argument, run) => ({
      goal: goal(argument, run),
      computesAll: false,
      forecast: run.forecast ?? true,
    }),
  };
}

function checkDecibels(decibels: number, run: PolicyRun): void {
  const { precision, table, tableRefused, model, steps } = run;
  const most = DECIBELS_MAX[precision ?? "float32"];
  if (decibels > most) {
    const other = precision !== undefined && precision !== "float32" ? ", or run with PRECISION=float32" : "";
    throw new CachePolicyError(
      `a promise of ${decibels} dB is more than ${precision ?? "float32"} can keep: ask for at most ${most} dB${other}`,
    );
  }
  if (table === null && tableRefused !== undefined) {
    throw new CachePolicyError(
      `a promise in dB needs a table that fits the model: ${tableRefused.replace(/\.$/, "")}`,
    );
  }
  if (table === null) {
    throw new CachePolicyError(
      "a promise in dB needs a table of what reuse costs this model, and there is none: run " +
        tableCommand(model ?? "MODEL", precision),
    );
  }
  const best = table ? bestPromise(table, steps) : Infinity;
  if (decibels > best) {
    throw new CachePolicyError(
      `a promise of ${decibels} dB is more than this model's table has for ${steps} steps: ask for at most ` +
        `${Math.floor(best)} dB, or for quality lossless`,
    );
  }
}

function checkComputedSteps(count: number, { steps }: PolicyRun): void {
  if (count >= 1 && count <= steps) return;
  throw new CachePolicyError(
    `the number of computed steps is ${count}: it is a whole number from 1 to the ${steps} of the run`,
  );
}

/** Explains the choice of steps. Without options, the sentence has to hold for every receipt. */
function explain({ goal, computesAll }: StoredOptions): string {
  if (computesAll === true) return "A run of so few steps has nothing to save, so every step was computed.";
  const asked = goalSchema.safeParse(goal).data;
  if (asked && "at_least_db" in asked)
    return `The fewest steps were computed for which ${asked.at_least_db} dB against the video without cache are predicted.`;
  if (asked && "at_most_seconds" in asked)
    return `As many steps were computed as ${asked.at_most_seconds} s allow, where they help most.`;
  if (asked) return "As many steps were computed as were asked for, where they help most.";
  return "While the video was made, the policy chose the steps to compute, and no more than it holds to be needed.";
}
