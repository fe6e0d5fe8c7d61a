import * as z from "zod";
import { parsePointer, valueAt } from "./json-pointer.ts";

/** What a payload must say at a place to make a video. */
export const conditionSchema = z.object({
  pointer: z.string(),
  equals: z.union([z.string(), z.number(), z.boolean(), z.null()]),
});

export type Condition = z.infer<typeof conditionSchema>;

/** Whether all conditions hold. A place that is not there equals nothing, not even null. */
export function passesFilter(filter: readonly Condition[], payload: unknown): boolean {
  return filter.every(({ pointer, equals }) => {
    const tokens = parsePointer(pointer);
    return tokens !== null && valueAt(payload, tokens) === equals;
  });
}
