/** Options that several policies have, and how options are named and told to people. */
import * as z from "zod";

/** No run has more denoising steps. */
const WARMUP_STEPS_MAX = 1000;

export interface OptionText {
  /** Name in receipts and in the API, where it is not the option's own in snake case. */
  readonly published?: string;
  /** Says the value in a few words for a line of facts; null where it goes without saying. */
  note?(value: unknown): string | null;
  /** Sentences for people who look at a schedule: how a policy with this option chose its steps. */
  explain?(options: Readonly<Record<string, unknown>>): string;
}

/** Texts on an option, where its value and its description do not suffice. */
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
