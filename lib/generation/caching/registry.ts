import type * as z from "zod";
import { adacache } from "./adacache.ts";
import { budget } from "./budget/budget.ts";
import type { Column } from "./column.ts";
import { off } from "./off.ts";
import { type OptionText, optionTexts } from "./option.ts";
import type { PolicyForm, PolicyKind } from "./policy.ts";
import { staticPolicy } from "./static.ts";

const KINDS = [off, staticPolicy, adacache, budget] as const;

type Kind = (typeof KINDS)[number];

/** All kinds of policies, in the order in which texts list them. */
export const policyKinds: readonly PolicyKind[] = KINDS;

/** Keys of the columns of all kinds. */
export type ColumnKey = Kind["columns"][number]["key"];

/** Intersection of the members of a union. */
type Merged<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer All) => void
  ? All
  : never;

type Shapes = Merged<Kind["options"]["shape"]>;

/** The options of all kinds; a policy has those of its own kind. */
export type PolicyOptions = { readonly [Key in keyof Shapes]?: z.output<Shapes[Key]> };

/** The columns of all kinds, each once. */
export const knownColumns: readonly Column[] = [
  ...new Map(policyKinds.flatMap(({ columns }) => columns).map((column) => [column.key, column])).values(),
];

export interface KnownOption {
  readonly key: string;
  readonly schema: z.ZodType;
  readonly text: OptionText;
}

/** The options of all kinds, by name. */
export const knownOptions: ReadonlyMap<string, KnownOption> = new Map(
  policyKinds
    .flatMap(({ options }) => Object.entries(options.shape) as [string, z.ZodType][])
    .map(([key, schema]) => [key, { key, schema, text: optionTexts.get(schema) ?? {} }]),
);

/** Forms of all kinds, each with its kind. */
export const policyForms: readonly { kind: PolicyKind; form: PolicyForm<Record<string, unknown>> }[] =
  policyKinds.flatMap((kind) => kind.forms.map((form) => ({ kind, form })));

const [offForm, ...otherForms] = policyForms.map(({ form }) => form);

/** Forms in the order in which texts list them: the words that stand alone come first. */
export const formsInOrder: readonly PolicyForm<Record<string, unknown>>[] = [
  offForm!,
  ...otherForms.filter(({ argument }) => !argument).toReversed(),
  ...otherForms.filter(({ argument }) => argument),
];

/** Returns a form as texts show it, such as `static:K`. */
export function formName({ word, argument }: PolicyForm<unknown>): string {
  return argument ? `${word}:${argument.letter}` : word;
}

/** Returns a form as a user may write it, such as `static:3`. */
export function formExample({ word, argument }: PolicyForm<unknown>): string {
  return argument ? `${word}:${argument.example}` : word;
}

/** Returns what is wrong with the argument of a form, to follow its name; null if nothing is. */
export function argumentFault({ word, argument }: PolicyForm<unknown>, given: string): string | null {
  if (!argument) return null;
  const { pattern, rule, example, isPossible } = argument;
  const matches = new RegExp(`^(?:${pattern})$`).test(given);
  if (matches && isPossible?.(given) !== false) return null;
  return `needs ${rule} after the colon, for example ${word}:${example}`;
}

/** Choices that the forms of pages offer, with the names of the options that each has. */
export const policyChoices = policyForms.flatMap(({ kind, form: { word, choice } }) =>
  choice ? [{ word, input: undefined, ...choice, options: Object.keys(kind.options.shape) }] : [],
);

/** Description of the values of `--cache`, for `--help`. */
export const CACHE_USAGE = [
  ...formsInOrder.map((form) => {
    const { argument } = form;
    return argument ? `${formName(form)} (${argument.meaning})` : formName(form);
  }),
  "or FILE.json with a codebook",
].join(", ");
