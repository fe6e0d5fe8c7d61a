import { positiveInteger } from "../bench/options.ts";
import { UsageError } from "../bench/usage-error.ts";
import { type Figure, figure } from "./figure.ts";

const text = { type: "string" } as const;
const flag = { type: "boolean", default: false } as const;

/** Options of the command line, for parseArgs. */
export const OPTIONS = {
  model: text,
  "videos-per-day": text,
  profile: text,
  days: text,
  seed: text,
  "instance-types": text,
  speed: text,
  "instances-max": text,
  "idle-minutes": text,
  "cold-start-seconds": text,
  waf: flag,
  steps: text,
  "step-seconds": text,
  "computed-fast": text,
  "computed-slow": text,
  "reused-ratio": text,
  "load-seconds": text,
  "encode-seconds": text,
  "decode-seconds": text,
  "write-seconds": text,
  "model-gb": text,
  "video-mb": text,
  json: flag,
  document: flag,
  help: { ...flag, short: "h" },
} as const;

/** Parsed options. */
export type Values = { readonly [name in keyof typeof OPTIONS]?: string | boolean | undefined };

/** Name of an option. */
export type OptionName = { [name in keyof Values]-?: name }[keyof Values];

interface Range {
  readonly least: number;
  readonly most: number;
}

/**
 * Parses a number; null if the option is missing.
 *
 * @throws UsageError if it is no number, or out of range
 */
export function given(values: Values, option: OptionName, { least, most }: Range): Figure | null {
  const words = values[option];
  if (words === undefined) return null;
  const value = words === "" ? Number.NaN : Number(words);
  if (value >= least && value <= most) return figure(value, "given", `--${option}`);
  throw new UsageError(
    `--${option} must be a number from ${least} to ${most}, got ${JSON.stringify(words)}.`,
  );
}

/**
 * Parses a whole number of at least 1.
 *
 * @param otherwise default
 * @throws UsageError if it is none, or above `most`
 */
export function whole(values: Values, option: OptionName, otherwise: number, most: number): number {
  const words = values[option];
  return words === undefined ? otherwise : positiveInteger(option, String(words), most);
}

/**
 * Parses whole numbers separated by commas.
 *
 * @param otherwise default
 * @throws UsageError if one is none, or out of range
 */
export function wholes(
  values: Values,
  option: OptionName,
  otherwise: number,
  { least, most }: Range,
): [number, ...number[]] {
  const words = String(values[option] ?? otherwise).split(",");
  return words.map((word) => {
    const value = positiveInteger(option, word, most);
    if (value < least) throw new UsageError(`--${option} must be at least ${least}, got ${value}.`);
    return value;
  }) as [number, ...number[]];
}

/**
 * Parses one of several names.
 *
 * @throws UsageError for any other name
 */
export function choice<Name extends string>(option: string, name: string, names: readonly Name[]): Name {
  if ((names as readonly string[]).includes(name)) return name as Name;
  throw new UsageError(`--${option} must be one of ${names.join(", ")}, got ${JSON.stringify(name)}.`);
}
