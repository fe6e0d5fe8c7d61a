import * as z from "zod";
import { nearest } from "./nearest.ts";
import { nameOf, type Place, placesOn, spoken } from "./place.ts";
import { optionFor, possible } from "./possible.ts";
import { shown, shownLength } from "./shown.ts";
import { type OtherNames, unknownField } from "./unknown-field.ts";
import { unwrapped, wordingOf } from "./wording.ts";

/** Subject of sentences about a value, and what else they need to know. */
export interface Subject {
  /** Name of the whole value, such as `The body` or `--cache`. */
  readonly whole: string;
  /** True for the whole of a flag: its members are named after it, and it `takes` values. */
  readonly isFlag?: boolean;
  readonly otherNames?: OtherNames | undefined;
  /** Advice for an unknown field of an object with many fields, such as where they are listed. */
  readonly reference?: string;
}

/** Fault of a value: a sentence that says what is wrong and what is possible, and where the fault is. */
export interface Fault {
  readonly sentence: string;
  /** Path of the field at fault; empty for the whole value. */
  readonly path: readonly PropertyKey[];
  readonly isUnknownField: boolean;
  /** Member `code` of the parameters that a refinement declares. */
  readonly code: unknown;
}

/** Result of an examination: the value as the schema reads it, or its first fault. */
export type Examined<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly fault: Fault };

/** Message of an issue for which the schema has no message of its own. */
const UNSAID = "unsaid";

/**
 * Checks a value. A message that a schema declares completes a sentence, as in `must be the id of a video`; the
 * parameter `sentence` of a refinement replaces it. All other sentences are made from the schema and its wording.
 *
 * @example
 * ```ts
 * const steps = z.object({ steps: z.int().min(1).max(1000) });
 * examined(steps, { steps: 0 }, { whole: "The body" }); // "steps is a whole number from 1 to 1000, not 0."
 * ```
 */
export function examined<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  subject: Subject,
): Examined<z.output<Schema>> {
  const issues = issuesOf(schema, value);
  if (!Array.isArray(issues)) return { ok: true, value: issues.data };
  return { ok: false, fault: faultOf(decisive(issues), { schema, value, subject }) };
}

/** Returns every fault of a value. */
export function faultsOf(schema: z.ZodType, value: unknown, subject: Subject): Fault[] {
  const issues = issuesOf(schema, value);
  if (!Array.isArray(issues)) return [];
  return issues.map((issue) => faultOf(decisive([issue]), { schema, value, subject }));
}

/** Joins the sentences of faults into one, which ends with a full stop. */
export function inOneSentence(faults: readonly Fault[]): string {
  const said = faults.map(({ sentence }) => sentence.replace(/\.$/, "")).join("; ");
  return said.endsWith("?") ? said : `${said}.`;
}

function issuesOf<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): z.core.$ZodIssue[] | { readonly data: z.output<Schema> } {
  const parsed = schema.safeParse(value, { error: () => UNSAID, reportInput: true });
  return parsed.success ? { data: parsed.data } : parsed.error.issues;
}

/** Returns the issue to tell of: the first, or an unknown field beside a missing one, which is a misspelling. */
function decisive(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue {
  const first = issues[0]!;
  if (first.code === "invalid_union") {
    // The member of the union that has the type of the value knows what is wrong with it.
    const inner = first.errors.find(
      ([each]) => each && (each.code !== "invalid_type" || each.path.length > 0),
    );
    return inner
      ? decisive(inner.map((issue) => ({ ...issue, path: [...first.path, ...issue.path] })))
      : first;
  }
  if (!isMissing(first)) return first;
  const parent = first.path.slice(0, -1);
  const isBeside = (issue: z.core.$ZodIssue) =>
    issue.path.length === parent.length && issue.path.every((key, index) => key === parent[index]);
  return issues.find((issue) => issue.code === "unrecognized_keys" && isBeside(issue)) ?? first;
}

function isMissing(issue: z.core.$ZodIssue): boolean {
  return issue.message === UNSAID && issue.input === undefined && issue.code !== "unrecognized_keys";
}

interface Examination {
  readonly schema: z.ZodType;
  readonly value: unknown;
  readonly subject: Subject;
}

function faultOf(issue: z.core.$ZodIssue, { schema, value, subject }: Examination): Fault {
  const places = placesOn(issue.path, { schema, value });
  const code = issue.code === "custom" ? issue.params?.code : undefined;
  const fault = { path: issue.path, isUnknownField: false, code };
  if (issue.code === "unrecognized_keys") {
    const name = issue.keys[0]!;
    const place = places.length > 1 || subject.isFlag ? subjectOf(places, subject) : "";
    const field = { name, place, siblings: issue.input, known: fieldsOf(places.at(-1)!) };
    return {
      ...fault,
      path: [...issue.path, name],
      isUnknownField: true,
      sentence: unknownField(field, subject),
    };
  }
  return { ...fault, sentence: sentenceOf(issue, places, subject) };
}

function fieldsOf({ schema, value }: Place): string[] {
  const type = schema && unwrapped(schema);
  if (type instanceof z.ZodObject) return Object.keys(type.shape);
  const option = type instanceof z.ZodUnion ? optionFor(type, value) : undefined;
  return option ? fieldsOf({ path: [], schema: option, value }) : [];
}

function sentenceOf(issue: z.core.$ZodIssue, places: readonly Place[], subject: Subject): string {
  const { schema } = places.at(-1)!;
  const name = subjectOf(places, subject);
  if (issue.code === "custom" && issue.params?.sentence) return String(issue.params.sentence);
  if (issue.message !== UNSAID) return `${name} ${issue.message}.`;
  if (issue.code === "invalid_key") return nameSentence(issue, places, subject);
  if (!schema) return `${name} is not possible.`;
  if (isMissing(issue))
    return wordingOf(schema).missing ?? `${name} is missing: it must be ${possible(schema)}.`;
  const isTaken = subject.isFlag === true && places.length === 1;
  return wrong(issue, { name, schema, isTaken });
}

function subjectOf(places: readonly Place[], { whole, isFlag }: Subject): string {
  const inner = spoken(places);
  if (inner === "") return whole;
  return isFlag ? `${whole} ${inner}` : inner;
}

interface Named {
  readonly name: string;
  readonly schema: z.core.$ZodType;
  /** True for a subject that takes values, false for one that is a value. */
  readonly isTaken?: boolean;
}

/** Makes the sentence about a value of a wrong type, form or size. */
function wrong(issue: z.core.$ZodIssue, { name, schema, isTaken = false }: Named): string {
  const { input } = issue;
  const words = possible(schema, input);
  const { advice } = wordingOf(schema);
  const given = givenIn(issue);
  const is = isTaken ? "takes" : given === null ? "must be" : "is";
  const sentence = `${name} ${is} ${words}${given === null ? "" : `, not ${given}`}`;
  const meant = meantIn(issue);
  if (isQuotedNumber(issue.input, schema)) return `${sentence}: write it without quotes.`;
  // The only value that is possible has been named already.
  if (meant !== undefined && meant !== words) return `${sentence}: did you mean ${meant}?`;
  return advice === undefined ? `${sentence}.` : `${sentence}; ${advice}.`;
}

/** Returns whether a text would be a number without its quotes, where only a number is possible. */
function isQuotedNumber(input: unknown, schema: z.core.$ZodType): boolean {
  return (
    typeof input === "string" && unwrapped(schema) instanceof z.ZodNumber && /^-?\d+(\.\d+)?$/.test(input)
  );
}

/** Describes the wrong value; null for a text of a wrong form, which is not repeated. */
function givenIn(issue: z.core.$ZodIssue): string | null {
  const { code, input } = issue;
  if (code === "too_big" || code === "too_small")
    return issue.origin === "string" || issue.origin === "array" ? shownLength(input) : shown(input);
  const isOfType = typeof input === "string" && input !== "" && code !== "invalid_type";
  return isOfType && code !== "invalid_union" ? null : shown(input);
}

function meantIn(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code !== "invalid_value" || typeof issue.input !== "string") return undefined;
  return nearest(issue.input, issue.values.map(String));
}

/** Makes the sentence about a name in an object whose names are the client's own. */
function nameSentence(issue: z.core.$ZodIssueInvalidKey, places: readonly Place[], subject: Subject): string {
  const holder = places.slice(0, -1);
  const type = holder.at(-1)!.schema && unwrapped(holder.at(-1)!.schema!);
  const name = `A name in ${subjectOf(holder, subject)}`;
  const inner = issue.issues[0];
  if (!(type instanceof z.ZodRecord) || !inner)
    return `${name} is not possible: ${nameOf(String(issue.input))}.`;
  return wrong(inner as z.core.$ZodIssue, { name, schema: type.keyType });
}
