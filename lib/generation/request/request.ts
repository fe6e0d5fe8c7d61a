import * as z from "zod";
import { examined } from "../../shared/sentences/index.ts";
import { limitsWith, requestedLoras } from "./loras.ts";
import type { Alias, Parameter, Table, Taker, Target } from "./parameter.ts";
import { PARAMETERS } from "./parameters.ts";
import { RequestError } from "./request-error.ts";

type Parameters = typeof PARAMETERS;

/** Request in the vocabulary of the API, as a user gives it. Absent values take the model's defaults. */
export type AskedRequest = {
  readonly [Name in keyof Parameters]?: z.output<Parameters[Name]["asked"]> | undefined;
} & { readonly prompt: string };

/** Intersection of the members of a union. */
type Intersection<Union> = (Union extends unknown ? (member: Union) => void : never) extends (
  both: infer Both,
) => void
  ? Both
  : never;
/** Fields of the resolved request. */
type StoredShape = Intersection<
  { [Name in keyof Parameters]: Parameters[Name] extends { stored: infer S } ? S : never }[keyof Parameters]
>;
/** Members of `params` in answers. The schema of a parameter that is not in answers is ZodNever. */
type ToldShape = {
  [Name in keyof Parameters as Parameters[Name] extends Parameter<infer _A, infer _S, z.ZodNever>
    ? never
    : Parameters[Name] extends Parameter
      ? Name
      : never]: Parameters[Name] extends Parameter<infer _A, infer _S, infer Schema> ? Schema : never;
};
/**
 * Parameters that `By` does not take; has to agree with `takenBy`. Images are paths on the machine that generates, so
 * no request to the API takes one.
 */
type Untaken<By extends Taker> = "image" | "last_image" | (By extends "trigger" ? "prompt" : never);
/** Fields of the API's schema of a request; only the prompt is required. */
type AskedShape<By extends Taker> = {
  [Name in Exclude<keyof Parameters, Untaken<By>>]: Name extends "prompt"
    ? Parameters[Name]["asked"]
    : z.ZodOptional<Parameters[Name]["asked"]>;
};

const table: Table = PARAMETERS;
const isParameter = (entry: readonly [string, Parameter | Alias]): entry is [string, Parameter] =>
  "stored" in entry[1];
const parameters = Object.entries(table).filter(isParameter);

function collected<Shape>(partOf: (declared: [string, Parameter]) => Record<string, unknown>): Shape {
  return Object.assign({}, ...parameters.map(partOf)) as Shape;
}

/**
 * Schema of a request with every default filled in. The video depends on nothing else. Stored as `params` of a job's
 * record; the input of the pipeline.
 */
export const resolvedRequestSchema = z.object(collected<StoredShape>(([, { stored }]) => stored));

export type ResolvedRequest = z.infer<typeof resolvedRequestSchema>;

/** Returns whether the params of a job record can be read by `resolvedRequestSchema`, which may fill in defaults. */
export function isResolvedRequest(params: unknown): boolean {
  return resolvedRequestSchema.safeParse(params).success;
}

/** Members of `params` in the API's answers about a video. */
export const toldShape = collected<ToldShape>(([name, { told }]) => (told ? { [name]: told.schema } : {}));

/** Converts a resolved request to the vocabulary of the API. */
export function toldRequest(request: ResolvedRequest): z.output<z.ZodObject<ToldShape>> {
  return collected(([name, { told }]) => (told ? { [name]: told.value(request) } : {}));
}

/** Returns the fields of the API's schema of a request that `taker` takes. */
export function askedShape<By extends Taker>(taker: By): AskedShape<By> {
  const taken = Object.entries(table).filter(([, { takenBy }]) => takenBy.includes(taker));
  return Object.fromEntries(
    taken.map(([name, declared]) => [name, described(declared)]),
  ) as unknown as AskedShape<By>;
}

function described({ asked, text, isRequired }: Parameter | Alias): z.ZodType {
  const schema = isRequired ? asked : asked.optional();
  return text === undefined ? schema : schema.describe(text);
}

/**
 * Fills in a model's defaults and checks the request against the model's limits. Shape and bounds of `asked` must have
 * been checked before, by the API's schema or by `parseRequest`.
 *
 * @throws RequestError naming the first thing that the model cannot do
 * @example
 * ```ts
 * const { name, limits } = await describeModel("models/demo");
 * const asked = parseRequest({ prompt: "a red circle", steps: 10 });
 * const request = resolveRequest({ ...asked, seed: 1 }, { model: name, limits });
 * request.guidanceScale; // 4, the default of the demo model
 * ```
 */
export function resolveRequest(
  asked: AskedRequest & { readonly seed: number },
  target: Target,
): ResolvedRequest {
  const { values, givenAs } = withoutAliases(asked, target);
  const limits = limitsWith({ loras: requestedLoras(values) }, target.limits);
  const request = collected<ResolvedRequest>(([name, { read, byDefault }]) =>
    values[name] === undefined ? (byDefault?.({ ...target, limits }) ?? {}) : read(values[name]),
  );
  for (const name of Object.values(givenAs)) {
    const { check } = table[name] as Alias;
    check?.((asked as Readonly<Record<string, unknown>>)[name], request, limits);
  }
  for (const [name, { check }] of parameters) {
    try {
      check?.(request, limits);
    } catch (cause) {
      if (!(cause instanceof RequestError) || cause.field !== name) throw cause;
      throw new RequestError(cause.message, { field: givenAs[name] ?? name, cause });
    }
  }
  return request;
}

/**
 * Moves every value to the name of its parameter. `givenAs` holds the alias under which the value of a parameter was
 * given.
 *
 * @throws RequestError if a parameter and its alias contradict each other
 */
function withoutAliases(asked: AskedRequest, target: Target) {
  const given: Readonly<Record<string, unknown>> = asked;
  const values = { ...given };
  const givenAs: Record<string, string> = {};
  for (const [name, declared] of Object.entries(table)) {
    if (!("means" in declared) || given[name] === undefined) continue;
    const { means, value } = declared;
    const meant = value ? value(given[name], given, target) : given[name];
    if (given[means] !== undefined && !areSame(means, given[means], meant)) {
      throw new RequestError(`${means} and ${name} say different things: give one of them.`, {
        field: means,
      });
    }
    if (given[means] === undefined) givenAs[means] = name;
    values[means] = meant;
  }
  return { values, givenAs };
}

/** Returns whether two values of a parameter are stored as the same. */
function areSame(parameter: string, one: unknown, other: unknown): boolean {
  const stored = (value: unknown) => JSON.stringify((table[parameter] as Parameter).read(value));
  return stored(one) === stored(other);
}

/** Schema of a request that does not come through the API. */
const outsideSchema = z.strictObject(
  Object.fromEntries(
    Object.entries(table).map(([name, { asked, askedOutside = asked, isRequired }]) => [
      name,
      isRequired ? askedOutside : askedOutside.optional(),
    ]),
  ),
);

/** Applies the changes that a remix asks for to a resolved request. */
export function remixedRequest(request: ResolvedRequest, asked: Partial<AskedRequest>): ResolvedRequest {
  const given: Readonly<Record<string, unknown>> = asked;
  const changed = collected<Partial<ResolvedRequest>>(([name, { takenBy, read }]) =>
    takenBy.includes("remix") && given[name] !== undefined ? read(given[name]) : {},
  );
  return { ...request, ...changed };
}

/** Removes the words of the user from a request. */
export function withoutWords(request: ResolvedRequest): ResolvedRequest {
  return { ...request, ...collected<Partial<ResolvedRequest>>(([, { erased }]) => erased ?? {}) };
}

/** Returns a text that is the same for requests that differ in words and seed alone: their videos take as long. */
export function kindOf(request: ResolvedRequest): string {
  return JSON.stringify({ ...withoutWords(request), seed: 0 });
}

/**
 * Checks shape and bounds of a request that does not come through the API, such as one from the command line.
 *
 * @throws RequestError naming the first value that is wrong
 * @example
 * ```ts
 * parseRequest({ prompt: " a red circle ", steps: 10 }); // { prompt: "a red circle", steps: 10 }
 * parseRequest({ prompt: "a red circle", steps: 0 }); // throws "steps is a whole number from 1 to 1000, not 0."
 * ```
 */
export function parseRequest(given: Readonly<Record<string, unknown>>): AskedRequest {
  const parsed = examined(outsideSchema, given, { whole: "The request" });
  if (parsed.ok) return parsed.value as AskedRequest;
  const { sentence, path } = parsed.fault;
  throw new RequestError(sentence, { field: path.map(String).join(".") });
}
