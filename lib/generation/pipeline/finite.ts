import { GenerationError } from "./errors.ts";

/** Stage of a generation whose output is checked, as the subject of a sentence, and what may help. */
export interface CheckedStage {
  readonly subject: string;
  /** Ends the sentence after "its weights may be damaged". */
  readonly remedy?: string;
}

/**
 * Checks that the output of a stage has finite numbers alone. Otherwise later stages would make noise or a black video
 * of it, and report success.
 *
 * @throws GenerationError naming the stage
 */
export function checkFinite(values: Float32Array, stage: CheckedStage): void {
  if (!areFinite(values)) throw notFinite(stage);
}

/** Returns the error for a stage that gave numbers which are not finite. */
export function notFinite({ subject, remedy = "" }: CheckedStage): GenerationError {
  return new GenerationError(
    `${subject} gave numbers that are not finite: its weights may be damaged${remedy}.`,
    {
      fault: "invalid_output",
    },
  );
}

/** Returns whether all values are finite. A value times 0 is 0 if it is finite, and NaN otherwise. */
function areFinite(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! * 0;
  return sum === 0;
}
