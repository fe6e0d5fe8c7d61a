import { delimiter } from "node:path";
import * as z from "zod";
import type { Reader, VariableOf } from "./variables.ts";

/** Error of an environment variable that is missing or invalid. The message is one sentence. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Values of parsed variables. */
export type Values<Shape extends z.ZodRawShape> = Readonly<z.infer<z.ZodObject<Shape>>>;

/** Schemas of exactly the variables that `VARIABLES` lets the program read. */
type SchemasOf<R extends Reader, Shape> = Readonly<Record<VariableOf<R>, z.ZodType>> &
  Readonly<Record<Exclude<keyof Shape, VariableOf<R>>, never>>;

/** Returns the schema of a program's environment. It compiles only for exactly the variables that the program reads. */
export function environmentOf<R extends Reader, Shape extends z.ZodRawShape>(
  _reader: R,
  shape: Shape & SchemasOf<R, Shape>,
): z.ZodObject<Shape> {
  return z.object<Shape>(shape);
}

/**
 * Parses the environment variables of a program. An empty variable counts as unset.
 *
 * @throws ConfigError naming the first variable that is missing or invalid
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

/** Schema of a required variable. `what` describes it in the error. */
export function needed(what: string) {
  return z.string({ error: `is needed: ${what}` });
}

/** Schema of a whole number from `least` to `most`. */
export function wholeNumber(least: number, most: number) {
  const isAllowed = (text: string) => /^\d{1,7}$/.test(text) && Number(text) >= least && Number(text) <= most;
  return z.string().refine(isAllowed, `must be a whole number from ${least} to ${most}`).transform(Number);
}

/** Schema of a share: a number from 0 to 1. */
export function share() {
  const isShare = (text: string) => /^\d(\.\d{1,6})?$/.test(text) && Number(text) <= 1;
  return z.string().refine(isShare, "must be a number from 0 to 1, such as 0.01").transform(Number);
}

/** Largest price of a machine in US dollars for an hour. */
const PRICE_MAX = 1000;

/** Schema of the price of a machine in US dollars for an hour. */
export function hourlyPrice() {
  const isPrice = (text: string) =>
    /^\d{1,4}(\.\d{1,6})?$/.test(text) && Number(text) > 0 && Number(text) <= PRICE_MAX;
  const rule = `must be a number of US dollars above 0 and at most ${PRICE_MAX}, such as 1.2`;
  return z.string().refine(isPrice, rule).transform(Number);
}

/** Schema of a variable that must have one of the given values. */
export function oneOf<const T extends string>(...values: T[]) {
  return z.enum(values, { error: `must be one of ${values.join(", ")}` });
}

/** Schema of a list of folders, separated as in PATH. */
export function folderList() {
  return z
    .string()
    .transform((folders) => folders.split(delimiter))
    .refine((folders) => !folders.includes(""), `must be folders with one ${delimiter} between two`);
}

/** Schema of a log level of pino, `info` by default. */
export function logLevel() {
  return oneOf("trace", "debug", "info", "warn", "error", "fatal", "silent").default("info");
}
