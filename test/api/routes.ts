import { operations } from "../../functions/api/openapi/document.ts";
import type { Operation } from "../../functions/api/openapi/operation.ts";
import { LIMITS } from "./support.ts";

/** Every operation of the reference. */
export const OPERATIONS: readonly Operation[] = operations({ limits: LIMITS });

/** A path with its `{id}` filled in. */
export function pathOf({ path }: Operation, id: string): string {
  return path.replace("{id}", id);
}
