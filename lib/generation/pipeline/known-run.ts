import { precisionOf } from "../models/index.ts";
import type { KnownRun } from "../request/index.ts";
import type { Audits } from "./audit.ts";
import type { ModelParts } from "./model/parts.ts";

/** Returns what an opened model adds to what is known of a run: its table, corrected by the audits so far. */
export function knownRun(
  { limits, options, errorTable }: Pick<ModelParts, "limits" | "options" | "errorTable">,
  audits: Audits,
): KnownRun {
  const found = errorTable !== null && "table" in errorTable ? errorTable.table : null;
  return {
    modelSteps: limits.steps,
    isDistilled: limits.is_distilled,
    precision: precisionOf(options),
    table: audits.correct(found),
    tableRefused: errorTable !== null && "refused" in errorTable ? errorTable.refused : undefined,
  };
}
