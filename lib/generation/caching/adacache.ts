/** AdaCache: the more the probe changes, the sooner the next step is computed. */
import * as z from "zod";
import { type CacheSpeed, codebookFor, codebookSchema, rateAt } from "./codebook.ts";
import type { Band, ColumnValues, StoredOptions } from "./column.ts";
import type { PolicyRun } from "./facts.ts";
import { motionFactor, motionFor, motionSchema, motionWeight } from "./motion.ts";
import { forecast, optionTexts, warmup } from "./option.ts";
import { type CacheState, type PolicyForm, policyKind } from "./policy.ts";
import type { Measured } from "./signals.ts";

const options = z.strictObject({
  codebook: codebookSchema.register(optionTexts, { explain }),
  motion: motionSchema
    .nullable()
    .describe("Constants of motion regularisation; null decides on the change alone.")
    .register(optionTexts, { note: (motion) => (motion ? "motion regularised" : null) }),
  warmup,
  forecast,
});

const CHOICES = {
  fast: { label: "Fast", meaning: "AdaCache's fast codebook: reuses the most steps." },
  slow: {
    label: "Slow",
    meaning: "AdaCache's slow codebook: reuses fewer steps, and stays closer to the video without cache.",
  },
} as const;

type Options = Omit<z.output<typeof options>, "forecast">;
type Key = "change" | "motionScore" | "motionFactor" | "distance" | "rate";
type State = CacheState<"change" | "motionScore", Key>;

/**
 * Computes step 1, the steps of the warm-up, steps N-1 and N, and between them the steps that the codebook plans: after
 * a computed step at distance d, the next computed one is `rate(d)` steps later.
 *
 * @see AdaCache (arXiv 2411.02397) section 3 and the authors' `compute_next_step`, which this follows where they differ
 */
export const adacache = policyKind({
  name: "adacache",
  forms: [named("slow"), named("fast")],
  options,
  signals: ["change", "motionScore"],
  columns: [
    {
      key: "change",
      label: "Change",
      format: "number",
      description: "Relative L1 change of the probe since the last computed step; the first has none.",
      drawing: { as: "points", heading: "Relative L1 change of the probe", unless: "distance" },
    },
    {
      key: "motionScore",
      label: "Motion score",
      format: "number",
      description: "Difference of the probe between neighbouring frames, 0 to 1; a single frame has none.",
      drawing: { as: "line", heading: "Motion score" },
    },
    {
      key: "motionFactor",
      label: "Motion factor",
      format: "number",
      description: "Motion weight plus its gradient, which the distance is multiplied by.",
    },
    {
      key: "distance",
      label: "Distance",
      format: "number",
      description: "Change per planned step times the motion factor: the value compared with the codebook.",
      drawing: { as: "points", heading: "Distance", bands: { heading: "Rate", of: bandsOf } },
    },
    {
      key: "rate",
      label: "Rate",
      format: "count",
      description: "Steps to the next computed one: the codebook's answer, or 1 in a warm-up.",
      drawing: {
        as: "stairs",
        heading: "Rate: steps to the next computed one",
        top: (stored) => Math.max(1, ...rowsOf(stored).map(({ rate }) => rate)),
      },
    },
  ],
  start: startGeneration,
});

function named(word: CacheSpeed): PolicyForm<z.input<typeof options>> {
  return {
    word,
    choice: CHOICES[word],
    options: (_, { steps, motion }: PolicyRun) => ({
      codebook: [...codebookFor(word, steps)],
      motion: motion ? motionFor(steps) : null,
    }),
  };
}

function explain({ warmup }: StoredOptions): string {
  const first = typeof warmup === "number" && warmup > 1 ? `The first ${warmup} steps` : "The first step";
  return (
    "Every computed step measures how far the probe has moved since the last computed one; the probe is what an " +
    "attention layer in the middle of the network adds. The codebook row that " +
    `this distance falls in gives the rate: how many steps later the next one is computed. ${first} and the last ` +
    "two always are."
  );
}

function bandsOf(stored: StoredOptions): Band[] {
  return rowsOf(stored).map(({ below, rate }) => ({ below, label: String(rate) }));
}

function rowsOf({ codebook }: StoredOptions) {
  return codebookSchema.safeParse(codebook).data ?? [];
}

/** State of a generation between two computed steps. */
interface Memory {
  readonly nextStep: number;
  /** Planned rate, by which the next change is divided. */
  readonly rate: number;
  /** Motion weight of the last computed step, from which the next gradient starts. */
  readonly weight: number;
}

const BEFORE_FIRST_STEP: Memory = { nextStep: 0, rate: 1, weight: 1 };

function startGeneration({ codebook, motion, warmup }: Options, totalSteps: number): State {
  const stateOf = (memory: Memory): State => {
    const state: State = {
      ask({ denoisingStep }) {
        const isDue = denoisingStep === memory.nextStep || denoisingStep >= totalSteps - 2;
        return { answer: isDue ? "compute" : "reuse", next: state };
      },
      tell(denoisingStep, measured) {
        const { values, ...next } = decide(memory, denoisingStep, measured);
        return { values, next: stateOf(next) };
      },
    };
    return state;
  };

  function decide(
    memory: Memory,
    step: number,
    measured: Measured<"change" | "motionScore">,
  ): Memory & { readonly values: ColumnValues<Key> } {
    const change = finiteOrNull(measured.change);
    const motionScore = finiteOrNull(measured.motionScore);
    // Where the change is unknown, as at the first computed step, the next step is computed.
    if (change === null) {
      const values = { change, motionScore, motionFactor: null, distance: null, rate: null };
      return { nextStep: step + 1, rate: 1, weight: memory.weight, values };
    }
    const weight = motion === null ? 1 : motionWeight(motion, motionScore, step, totalSteps);
    const factor = motion === null ? null : motionFactor(motion, weight, memory.weight, memory.rate);
    // Divided by the planned rate even if N-1 or N came sooner, because the codebooks were tuned that way.
    const distance = (change / memory.rate) * (factor ?? 1);
    // A warm-up plans one step ahead, so that the next change is divided by the one step that it spans. No codebook
    // was tuned with changes divided by a rate that a warm-up overrides.
    const isWarmingUp = step + 1 < warmup;
    const rate = isWarmingUp ? 1 : rateAt(codebook, distance);
    const values = { change, motionScore, motionFactor: factor, distance, rate };
    return { nextStep: step + rate, rate, weight, values };
  }

  return stateOf(BEFORE_FIRST_STEP);
}

function finiteOrNull(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null;
}
