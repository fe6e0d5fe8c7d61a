import { UsageError } from "../../lib/shared/command-line/index.ts";
import { positiveInteger } from "../bench/options.ts";
import { type Figure, figure } from "./figure.ts";

/** Readers of option values, for `read` in a declaration. */

interface Range {
  readonly least: number;
  readonly most: number;
}

/** Returns a reader of a number in a range; its origin is `given`. */
export function figureFrom(least: number, most: number) {
  return (text: string, flag: string): Figure => {
    const value = text === "" ? Number.NaN : Number(text);
    if (value >= least && value <= most) return figure(value, "given", flag);
    throw new UsageError(`${flag} must be a number from ${least} to ${most}, got ${JSON.stringify(text)}.`);
  };
}

/** Returns a reader of a whole number of at least 1. */
export function wholeTo(most: number) {
  return (text: string, flag: string): number => positiveInteger(flag.slice(2), text, most);
}

/** Returns a reader of whole numbers separated by commas. */
export function wholesFrom({ least, most }: Range) {
  return (text: string, flag: string): [number, ...number[]] =>
    text.split(",").map((word) => {
      const value = positiveInteger(flag.slice(2), word, most);
      if (value < least) throw new UsageError(`${flag} must be at least ${least}, got ${value}.`);
      return value;
    }) as [number, ...number[]];
}

/** Returns a reader of one of these names. */
export function oneOf<Name extends string>(names: readonly Name[]) {
  return (text: string, flag: string): Name => {
    const name = names.find((known) => known === text);
    if (name !== undefined) return name;
    throw new UsageError(`${flag} must be one of ${names.join(", ")}, got ${JSON.stringify(text)}.`);
  };
}
