import { precisionOf } from "../models/index.ts";
import type { KnownRun } from "../request/index.ts";
import type { ModelParts } from "./model/parts.ts";

/** Returns what an opened model adds to what is known of a run. */
export function knownRun({ limits, options }: Pick<ModelParts, "limits" | "options">): KnownRun {
  return { modelSteps: limits.steps, precision: precisionOf(options), table: null };
}
