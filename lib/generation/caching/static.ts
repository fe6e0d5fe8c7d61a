import * as z from "zod";
import { forecast, optionTexts, warmup } from "./option.ts";
import { type CacheState, policyKind } from "./policy.ts";

/**
 * Computes every `interval`-th step beginning with the first, the last step, and the first `warmup` steps. With an
 * interval of 3 and 8 steps these are 1, 4, 7 and 8; with a warm-up of 2, step 2 too. The schedule is fixed before the
 * generation starts and measures nothing.
 */
export const staticPolicy = policyKind({
  name: "static",
  forms: [
    {
      word: "static",
      argument: {
        letter: "K",
        pattern: "[1-9]\\d{0,3}",
        rule: "a whole number from 1 to 9999",
        example: "3",
        meaning: "every K-th step computed",
      },
      options: (interval) => ({ interval: Number(interval) }),
    },
  ],
  options: z.strictObject({
    interval: z
      .int()
      .min(1)
      .describe("Steps from one computed step to the next.")
      .register(optionTexts, {
        explain: () => "The computed steps were chosen before the video was made, and measured nothing.",
      }),
    warmup,
    forecast,
  }),
  signals: [],
  columns: [],
  start({ interval, warmup }, totalSteps) {
    const isComputed = (step: number) => step < warmup || step % interval === 0 || step === totalSteps - 1;
    const state: CacheState<never, never> = {
      ask: ({ denoisingStep }) => ({ answer: isComputed(denoisingStep) ? "compute" : "reuse", next: state }),
      tell: () => ({ values: {}, next: state }),
    };
    return state;
  },
});
