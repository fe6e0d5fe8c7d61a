import { UsageError } from "../../lib/shared/command-line/index.ts";
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
  return wholeFrom({ least: 1, most });
}

/** Returns a reader of a whole number of at least 1; its origin is `given`. */
export function wholeFigureTo(most: number) {
  return (text: string, flag: string): Figure => figure(wholeTo(most)(text, flag), "given", flag);
}

/** Returns a reader of a whole number in a range. */
export function wholeFrom({ least, most }: Range) {
  return (text: string, flag: string): number => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw new UsageError(
      `${flag} must be a whole number from ${least} to ${most}, got ${JSON.stringify(text)}.`,
    );
  };
}

/** Returns a reader of whole numbers separated by commas. */
export function wholesFrom({ least, most }: Range) {
  return (text: string, flag: string): [number, ...number[]] =>
    different(
      text.split(",").map((word) => wholeFrom({ least, most })(word, flag)),
      flag,
    );
}

/** Returns a reader of one of these names. */
export function oneOf<Name extends string>(names: readonly Name[]) {
  return (text: string, flag: string): Name => {
    const name = names.find((known) => known === text);
    if (name !== undefined) return name;
    throw new UsageError(`${flag} must be one of ${names.join(", ")}, got ${JSON.stringify(text)}.`);
  };
}

/** Returns a reader of different names separated by commas. */
export function severalOf<Name extends string>(names: readonly Name[]) {
  return (text: string, flag: string): [Name, ...Name[]] =>
    different(
      text.split(",").map((word) => oneOf(names)(word.trim(), flag)),
      flag,
    );
}

function different<Value>(values: readonly Value[], flag: string): [Value, ...Value[]] {
  const twice = values.find((value, index) => values.indexOf(value) < index);
  if (twice !== undefined) throw new UsageError(`${flag} names ${twice} twice: leave one of them out.`);
  return [...values] as [Value, ...Value[]];
}
