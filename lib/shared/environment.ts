import { delimiter } from "node:path";
import * as z from "zod";
import type { Reader, VariableOf } from "./variables.ts";

/** The environment asks for something that cannot be; the message is one sentence. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Values of parsed variables. */
export type Values<Shape extends z.ZodRawShape> = Readonly<z.infer<z.ZodObject<Shape>>>;

/** A schema for each variable of the list that the program reads, and for no other. */
type SchemasOf<R extends Reader, Shape> = Readonly<Record<VariableOf<R>, z.ZodType>> &
  Readonly<Record<Exclude<keyof Shape, VariableOf<R>>, never>>;

/** Returns the schema of a program's environment. It compiles for exactly the variables that the list gives to it. */
export function environmentOf<R extends Reader, Shape extends z.ZodRawShape>(
  _reader: R,
  shape: Shape & SchemasOf<R, Shape>,
): z.ZodObject<Shape> {
  return z.object<Shape>(shape);
}

/**
 * What a program's environment variables say; one that is empty counts as left out.
 *
 * @throws ConfigError naming the first variable that cannot be used
 */
export function parseEnvironment<Schema extends z.ZodObject>(
  schema: Schema,
  env: NodeJS.ProcessEnv,
): z.infer<Schema> {
  const parsed = schema.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value)));
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new ConfigError(`${path[0]!.toString()} ${message}.`);
}

/** A text that nothing stands in for. */
export function needed(what: string) {
  return z.string({ error: `is needed: ${what}` });
}

export function wholeNumber(least: number, most: number) {
  const isAllowed = (text: string) => /^\d{1,7}$/.test(text) && Number(text) >= least && Number(text) <= most;
  return z.string().refine(isAllowed, `must be a whole number from ${least} to ${most}`).transform(Number);
}

export function oneOf<const T extends string>(...values: T[]) {
  return z.enum(values, { error: `must be one of ${values.join(", ")}` });
}

/** Folders, separated as in PATH. */
export function folderList() {
  return z
    .string()
    .transform((folders) => folders.split(delimiter))
    .refine((folders) => !folders.includes(""), `must be folders with one ${delimiter} between two`);
}

/** The levels of pino. */
export function logLevel() {
  return oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent").default("info");
}
