import * as z from "zod";
import { parsePointer, valueAt } from "./json-pointer.ts";

/** Condition on a payload: the value at `pointer` must equal `equals`. */
export const conditionSchema = z.object({
  pointer: z.string(),
  equals: z.union([z.string(), z.number(), z.boolean(), z.null()]),
});

export type Condition = z.infer<typeof conditionSchema>;

/** Returns true if all conditions hold. A missing value equals nothing, not even null. */
export function passesFilter(filter: readonly Condition[], payload: unknown): boolean {
  return filter.every(({ pointer, equals }) => {
    const tokens = parsePointer(pointer);
    return tokens !== null && valueAt(payload, tokens) === equals;
  });
}
