import { parseArgs } from "node:util";
import { nearest } from "../sentences/index.ts";
import {
  type Command,
  type Given,
  HELP,
  type Option,
  type Options,
  type OptionValues,
  type Positional,
  takesValue,
} from "./command.ts";
import { exampleOf } from "./usage.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Parses a command line; returns `help` if it asks for the usage.
 *
 * @param name text that users write before the options, such as `npm run keys -- create`
 * @throws UsageError if an option or an argument is unknown, missing or invalid
 */
export function parseCommand<O extends Options, P extends readonly Positional[]>(
  name: string,
  command: Command<O, P>,
  args: readonly string[],
): Given<O, P> | "help" {
  const options: Options = { ...command.options, help: HELP };
  const { tokens } = tokensOf(options, args);
  const given = new Map<string, GivenText[]>();
  const words: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    checkOption(options, token, command.variables);
    const [key] = declaredAs(token.name, options)!;
    given.set(key, [...(given.get(key) ?? []), { flag: `--${token.name}`, text: token.value ?? "" }]);
  }
  if (given.has("help")) return "help";
  checkWords(name, command, words);
  const values = Object.entries(command.options).map(([key, option]) => [
    key,
    readValue(`--${key}`, option, given.get(key)),
  ]);
  return {
    values: Object.fromEntries(values) as OptionValues<O>,
    words: words as Given<O, P>["words"],
    args,
  };
}

/** Splits a command line into options and words without checking them. */
export function tokensOf(options: Options, args: readonly string[]) {
  const declared = Object.entries(options).flatMap(([name, option]) => {
    const type = takesValue(option) ? ("string" as const) : ("boolean" as const);
    const named = [name, { type, ...(option.short !== undefined && { short: option.short }) }] as const;
    return [named, ...(option.aliases ?? []).map((alias) => [alias, { type }] as const)];
  });
  return parseArgs({
    args: [...args],
    options: Object.fromEntries(declared),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

/** Returns an option by its name or by one of its aliases, with its name. */
function declaredAs(name: string, options: Options): [name: string, option: Option] | undefined {
  return Object.entries(options).find(([key, { aliases = [] }]) => key === name || aliases.includes(name));
}

/** Throws a UsageError for an option that is not declared, lacks its value, or has one that it does not take. */
export function checkOption(
  options: Options,
  { name, rawName, value, inlineValue }: OptionToken,
  variables: Command["variables"] = {},
): void {
  const [, option] = declaredAs(name, options) ?? [];
  if (!option) {
    const variable = name.toUpperCase().replaceAll("-", "_");
    if (Object.hasOwn(variables, variable)) {
      throw new UsageError(
        `There is no option '${rawName}': write ${variable}=... before the command; see --help.`,
      );
    }
    const names = Object.entries(options).flatMap(([key, { aliases = [] }]) => [key, ...aliases]);
    const meant = nearest(name, names);
    const advice = meant === undefined ? "see --help." : `did you mean --${meant}?`;
    throw new UsageError(`Unknown option '${rawName}'; ${advice}`);
  }
  if (!takesValue(option)) {
    if (value !== undefined) throw new UsageError(`--${name} takes no value.`);
    return;
  }
  // A negative number is a value. Whoever reads it says what is wrong with it.
  const looksLikeOption = !inlineValue && value !== undefined && /^-[^\d.]/.test(value);
  if (value === undefined || looksLikeOption) {
    throw new UsageError(
      `--${name} takes a value: write --${name} ${option.value}, or --${name}=${option.value} if it begins with a dash.`,
    );
  }
}

function checkWords(name: string, command: Command, words: readonly string[]): void {
  const { positionals, extraWord } = command;
  const example = exampleOf(name, command);
  const missing = positionals[words.length];
  if (missing) {
    throw new UsageError(missing.missing ?? `${missing.name} is missing: ${missing.text}, as in: ${example}`);
  }
  const extra = words[positionals.length];
  if (extra !== undefined) {
    throw new UsageError(
      extraWord?.(extra) ?? `${JSON.stringify(extra)} is one word too many; write it as in: ${example}`,
    );
  }
}

/** Text of an option's value, with the name by which the option was given. */
interface GivenText {
  readonly flag: string;
  readonly text: string;
}

function readValue(flag: string, option: Option, given: readonly GivenText[] | undefined): unknown {
  if (!takesValue(option)) return given !== undefined;
  const read = ({ text, flag }: GivenText) => (option.read ? option.read(text, flag) : text);
  const texts = given ?? (option.default === undefined ? [] : [{ flag, text: option.default }]);
  if (option.multiple) return texts.map(read);
  const last = texts.at(-1);
  const other = texts.find((each) => each.flag !== last!.flag && each.text !== last!.text);
  if (other) throw new UsageError(`${other.flag} and ${last!.flag} say different things: give one of them.`);
  // If an option is given twice by the same name, the last one counts, as is usual.
  return last && read(last);
}
