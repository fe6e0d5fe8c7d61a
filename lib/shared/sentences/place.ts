import * as z from "zod";
import { optionFor } from "./possible.ts";
import { cut } from "./quoted.ts";
import { unwrapped, wordingOf } from "./wording.ts";

/** Place in a value, with what stands there and its schema. */
export interface Place {
  readonly path: readonly PropertyKey[];
  readonly value: unknown;
  readonly schema: z.core.$ZodType | undefined;
}

/** Follows a path through a value and its schema; returns the places on the way, the whole value first. */
export function placesOn(path: readonly PropertyKey[], { value, schema }: Omit<Place, "path">): Place[] {
  const places: Place[] = [{ path: [], value, schema }];
  for (const [index, key] of path.entries()) {
    const { value: parent, schema: parentSchema } = places.at(-1)!;
    places.push({
      path: path.slice(0, index + 1),
      value: memberOf(parent, key),
      schema: parentSchema && memberSchema(parentSchema, key, parent),
    });
  }
  return places;
}

function memberOf(value: unknown, key: PropertyKey): unknown {
  const isThere = typeof value === "object" && value !== null && Object.hasOwn(value, key);
  return isThere ? (value as Record<PropertyKey, unknown>)[key] : undefined;
}

function memberSchema(
  schema: z.core.$ZodType,
  key: PropertyKey,
  value: unknown,
): z.core.$ZodType | undefined {
  const type = unwrapped(schema);
  if (type instanceof z.ZodObject) return type.shape[String(key)];
  if (type instanceof z.ZodArray) return type.element;
  if (type instanceof z.ZodTuple) return type.def.items[Number(key)];
  if (type instanceof z.ZodRecord) return type.valueType;
  const option = type instanceof z.ZodUnion ? optionFor(type, value) : undefined;
  return option && memberSchema(option, key, value);
}

/** Writes a name of a client: as it is if it is a plain word, otherwise in quotes, and cut if it is long. */
export function nameOf(key: PropertyKey, charactersMax?: number): string {
  const name = cut(String(key), charactersMax);
  return /^[\w./+-]+$/.test(name) ? name : JSON.stringify(name);
}

/** Names the last place of a path as people do: `cache.codebook row 1: rate`. */
export function spoken(places: readonly Place[]): string {
  let name = "";
  for (const [index, { path }] of places.entries()) {
    const key = path.at(-1);
    if (key === undefined) continue;
    const parent = places[index - 1]!;
    if (typeof key === "number") {
      name += `${name && " "}${wordingOf(parent.schema).entry ?? "entry"} ${key + 1}`;
    } else {
      const isAfterEntry = typeof parent.path.at(-1) === "number";
      name += `${name && (isAfterEntry ? ": " : ".")}${nameOf(key)}`;
    }
  }
  return name;
}
