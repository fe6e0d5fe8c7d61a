import { FIELDS_MAX, listed } from "./list.ts";
import { nearest } from "./nearest.ts";
import { nameOf } from "./place.ts";

/**
 * Makes the advice about a field that has another name here, or nothing for a name that it does not know.
 *
 * @param name     unknown name
 * @param siblings the object that has it
 * @param known    names of the fields of such an object
 */
export type OtherNames = (
  name: string,
  siblings: Readonly<Record<string, unknown>>,
  known: readonly string[],
) => string | undefined;

export interface UnknownField {
  readonly name: string;
  /** Name of the object that has it; empty where that goes without saying. */
  readonly place: string;
  readonly siblings: unknown;
  readonly known: readonly string[];
}

/** Returns the sentence about a field that a schema does not know. */
export function unknownField(
  { name, place, siblings, known }: UnknownField,
  { otherNames, reference }: { otherNames?: OtherNames | undefined; reference?: string | undefined },
): string {
  const none = `There is no field ${nameOf(name)}${place && ` in ${place}`}`;
  const other = otherNames?.(name, siblings as Readonly<Record<string, unknown>>, known);
  if (other !== undefined) return `${none}: ${other}.`;
  const meant = nearest(name, known);
  if (meant !== undefined) return `${none}: did you mean ${meant}?`;
  if (known.length > 0 && known.length <= FIELDS_MAX) return `${none}: choose from ${listed(known)}.`;
  return reference === undefined ? `${none}.` : `${none}: ${reference}.`;
}
