import { positiveInteger } from "../bench/options.ts";
import { UsageError } from "../bench/usage-error.ts";
import { type Figure, figure } from "./figure.ts";

const text = { type: "string" } as const;
const flag = { type: "boolean", default: false } as const;

/** What the command line may hold. */
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

/** What it holds. */
export type Values = { readonly [name in keyof typeof OPTIONS]?: string | boolean | undefined };

/** The name of an option. */
export type OptionName = { [name in keyof Values]-?: name }[keyof Values];

interface Range {
  readonly least: number;
  readonly most: number;
}

/** A number with its origin, null when it was not given. @throws UsageError outside the range */
export function given(values: Values, option: OptionName, { least, most }: Range): Figure | null {
  const words = values[option];
  if (words === undefined) return null;
  const value = words === "" ? Number.NaN : Number(words);
  if (value >= least && value <= most) return figure(value, "given", `--${option}`);
  throw new UsageError(
    `--${option} must be a number from ${least} to ${most}, got ${JSON.stringify(words)}.`,
  );
}

/** A whole number from 1. */
export function whole(values: Values, option: OptionName, otherwise: number, most: number): number {
  const words = values[option];
  return words === undefined ? otherwise : positiveInteger(option, String(words), most);
}

/** Whole numbers between commas. */
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

/** @throws UsageError unless the name is one of those */
export function choice<Name extends string>(option: string, name: string, names: readonly Name[]): Name {
  if ((names as readonly string[]).includes(name)) return name as Name;
  throw new UsageError(`--${option} does not know ${JSON.stringify(name)}: choose from ${names.join(", ")}.`);
}
