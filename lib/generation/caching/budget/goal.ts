/** Promises that a request may ask for, as users write them and as options hold them. */
import * as z from "zod";
import { wordings } from "../../../shared/sentences/index.ts";

/** Largest number of denoising steps of any run. */
const STEPS_MAX = 1000;
const DECIBELS = { least: 1, most: 100 } as const;
const SECONDS = { least: 0.01, most: 24 * 3600 } as const;

const DECIBEL_PATTERN = "\\d{1,3}(?:\\.\\d{1,3})? ?(?:[dD][bB])?";
const TIME_PATTERN = "\\d{1,5}(?:\\.\\d{1,3})? ?(?:s|min|m|h)?";
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3600 };

/** Schema of a goal: exactly one promise. */
export const goalSchema = z.union([
  z.strictObject({ at_least_db: z.number().positive() }),
  z.strictObject({ at_most_seconds: z.number().positive() }),
  z.strictObject({ computed_steps: z.int().positive() }),
]);

/**
 * Promise that a request asks for: a PSNR in dB against the video without cache of the same seed, the seconds of
 * encoding, denoising and decoding together, or the number of computed steps.
 */
export type Goal = z.output<typeof goalSchema>;

/** Names under which a request asks for a promise. */
export const PROMISES = ["at_least", "at_most", "computed_steps"] as const;

export type PromiseWord = (typeof PROMISES)[number];

/** Arguments of the forms of promises, such as the `35dB` of `at_least:35dB`. */
export const promiseArguments = {
  at_least: {
    letter: "D",
    pattern: DECIBEL_PATTERN,
    rule: "a number of dB from 1 to 100",
    example: "35dB",
    meaning: "PSNR against the video without cache of the same seed",
    isPossible: (text: string) => isWithin(decibelsIn(text), DECIBELS),
  },
  at_most: {
    letter: "T",
    pattern: TIME_PATTERN,
    rule: "a time from 0.01 s to 24 h",
    example: "60s",
    meaning: "seconds of encoding, denoising and decoding",
    isPossible: (text: string) => isWithin(secondsIn(text), SECONDS),
  },
  computed_steps: {
    letter: "N",
    pattern: "[1-9]\\d{0,3}",
    rule: "a whole number from 1 to the steps of the run",
    example: "12",
    meaning: "number of computed steps",
    isPossible: (text: string) => Number(text) <= STEPS_MAX,
  },
} as const;

/** Schemas of the members of `cache` that ask for a promise. */
export const promiseSettings = {
  at_least: z
    .union([z.number(), z.string().regex(new RegExp(`^${DECIBEL_PATTERN}$`))])
    .refine((given) => isWithin(decibelsIn(given), DECIBELS))
    .register(wordings, { is: 'a number of dB from 1 to 100, such as 35 or "35dB"' }),
  at_most: z
    .union([z.number(), z.string().regex(new RegExp(`^${TIME_PATTERN}$`))])
    .refine((given) => isWithin(secondsIn(given), SECONDS))
    .register(wordings, { is: 'a time from 0.01 s to 24 h, such as 60 (seconds), "60s" or "2m"' }),
  computed_steps: z.int().min(1).max(STEPS_MAX),
} as const;

/** Writes a promise as the form that is stored, such as `at_most:120s` for `2m`. */
export function promiseForm(word: PromiseWord, given: string | number): string {
  switch (word) {
    case "at_least":
      return `at_least:${decibelsIn(given)}dB`;
    case "at_most":
      return `at_most:${secondsIn(given)}s`;
    case "computed_steps":
      return `computed_steps:${given}`;
  }
}

/** Reads a number of dB, rounded to hundredths. */
export function decibelsIn(given: string | number): number {
  return rounded(typeof given === "number" ? given : Number(given.replace(/ ?db$/i, "")), 2);
}

/** Reads a time in seconds, rounded to thousandths. */
export function secondsIn(given: string | number): number {
  if (typeof given === "number") return rounded(given, 3);
  const [, digits, unit = "s"] = /^([\d.]+) ?([a-z]+)?$/.exec(given) ?? [];
  return rounded(Number(digits) * (UNIT_SECONDS[unit] ?? Number.NaN), 3);
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

function isWithin(
  value: number,
  { least, most }: { readonly least: number; readonly most: number },
): boolean {
  return value >= least && value <= most;
}
