import type * as z from "zod";
import { examined } from "../../shared/sentences/index.ts";
import type { Alias, Flag, Parameter } from "./parameter.ts";
import { PARAMETERS } from "./parameters.ts";
import { RequestError } from "./request-error.ts";

/** Flag with the name of its parameter and the schema of its value. */
export interface RequestFlag extends Flag {
  readonly takes: z.ZodType;
  readonly parameter: string;
}

const declared = Object.entries<Parameter | Alias>(PARAMETERS);

/** Flags of all parameters, in the order of the table. */
export const REQUEST_FLAGS: readonly RequestFlag[] = declared.flatMap(([parameter, { asked, flags = [] }]) =>
  flags.map((flag) => ({ takes: asked, ...flag, parameter })),
);

/**
 * Checks the value of a flag by the schema of its parameter.
 *
 * @param typed name by which the flag was given, with its dashes
 * @throws RequestError
 */
export function checkFlag({ takes, parameter }: RequestFlag, value: unknown, typed: string): void {
  const result = examined(takes, value, { whole: typed, isFlag: true });
  if (!result.ok) throw new RequestError(result.fault.sentence, { field: parameter });
}

/** Converts the values of flags to values of parameters, by the names of the parameters. */
export function askedByFlags(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const asked: Record<string, unknown> = {};
  for (const { name, parameter, member, isRepeatable } of REQUEST_FLAGS) {
    const isGiven = values[name] !== undefined && !(isRepeatable && (values[name] as unknown[]).length === 0);
    if (!isGiven) continue;
    asked[parameter] =
      member === undefined ? values[name] : { ...(asked[parameter] as object), [member]: values[name] };
  }
  return asked;
}
