import type { Alias, Flag, FlagValues, Parameter } from "./parameter.ts";
import { PARAMETERS } from "./parameters.ts";

const parameters = Object.entries<Parameter | Alias>(PARAMETERS).flatMap(([name, declared]) =>
  "stored" in declared && declared.flags ? [{ ...declared, name, flags: declared.flags }] : [],
);

/** Flags of all parameters, in the order of the table. */
export const REQUEST_FLAGS: readonly Flag[] = parameters.flatMap(({ flags }) => flags);

/** Converts the values of flags to values of parameters, by the names of the parameters. */
export function askedByFlags(values: FlagValues): Record<string, unknown> {
  const given = parameters.flatMap(({ name, flags, fromFlags }) => {
    if (flags.every((flag) => values[flag.name] === undefined)) return [];
    return [[name, fromFlags ? fromFlags(values) : values[flags[0]!.name]] as const];
  });
  return Object.fromEntries(given);
}
