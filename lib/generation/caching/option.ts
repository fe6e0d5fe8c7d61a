/** Options that several policies have, and the texts about options. */
import * as z from "zod";

/** Largest number of denoising steps of any run. */
const WARMUP_STEPS_MAX = 1000;

export interface OptionText {
  /** Name in receipts and in the API; by default the name of the option in snake case. */
  readonly published?: string;
  /** Describes the value in a few words for a line of facts; returns null if it goes without saying. */
  note?(value: unknown, options: Readonly<Record<string, unknown>>): string | null;
  /** Explains in sentences how a policy with this option chose its steps, for people who look at a schedule. */
  explain?(options: Readonly<Record<string, unknown>>): string;
}

/** Texts about options whose value and description do not suffice. */
export const optionTexts = z.registry<OptionText>();

export const warmup = z
  .int()
  .min(0)
  .max(WARMUP_STEPS_MAX)
  .default(0)
  .describe("Steps at the start that are all computed.")
  .register(optionTexts, {
    published: "warmup_steps",
    note: (steps) => (typeof steps === "number" && steps > 0 ? `warm-up ${steps}` : null),
  });

export const forecast = z
  .boolean()
  .default(false)
  .describe("Whether a reused residual follows the trend of the last computed ones.")
  .register(optionTexts, {
    // A policy with a goal forecasts unless it is told not to, and others only where they are told to.
    note(isForecast, options) {
      if (isForecast === "goal" in options) return null;
      return isForecast === true ? "forecast" : "no forecast";
    },
  });
