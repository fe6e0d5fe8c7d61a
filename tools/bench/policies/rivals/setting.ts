import type { RivalContext, RivalRun, RivalSetting } from "../rival.ts";

/** Values of one number of a rival, and which of them are measured at every number of steps. */
export interface Points {
  readonly values: readonly number[];
  /** Values of the rival's own publication or code. */
  readonly defaults?: readonly number[];
  readonly everywhere?: readonly number[];
}

/** Returns a setting for each value; its label is the value, after `prefix`. */
export function settingsOf(
  { values, defaults = [], everywhere = [] }: Points,
  start: (value: number, context: RivalContext) => RivalRun,
  prefix = "",
): RivalSetting[] {
  return values.map((value) => ({
    label: `${prefix}${value}`,
    isDefault: defaults.includes(value),
    everywhere: everywhere.includes(value),
    start: (context) => start(value, context),
  }));
}
