/** An option without a value, such as `--json`. */
export interface Flag {
  /** One letter, for `-h`. */
  readonly short?: string;
  /** Tells a person what it does, as part of a sentence. */
  readonly text: string;
}

/** An option with a value, such as `--out FILE`. */
export interface ValueOption<Value = unknown> extends Flag {
  /** Stands for the value in the usage: `FILE`, `N`. */
  readonly value: string;
  /** Takes the place of the value when it is left out; told in the usage. */
  readonly default?: string;
  /** May be given several times; its values make a list. */
  readonly multiple?: true;
  /**
   * Makes the value of its text; the text itself is the value otherwise.
   *
   * @param flag the option as people write it, `--out`, for the error
   * @throws UsageError
   */
  readonly read?: (text: string, flag: string) => Value;
}

export type Option = Flag | ValueOption;

/** Every command has it besides its own options. */
export const HELP: Flag = { short: "h", text: "prints this" };

export type Options = Readonly<Record<string, Option>>;

/** A word that stands by itself, by its place: `FOLDER`. */
export interface Positional {
  readonly name: string;
  readonly text: string;
}

/** One command line: its options, its words, and what the usage says of them. */
export interface Command<
  O extends Options = Options,
  P extends readonly Positional[] = readonly Positional[],
> {
  /** Tells a person what the command does: a sentence without its full stop that begins in lower case. */
  readonly text: string;
  readonly options: O;
  readonly positionals: P;
  /** What follows the command's name in an example. */
  readonly example?: string;
  /** More sentences for the command's own `--help`. */
  readonly notes?: string;
}

/** A command of a program. */
export interface Subcommand<
  O extends Options = Options,
  P extends readonly Positional[] = readonly Positional[],
> extends Command<O, P> {
  run(given: Given<O, P>): Promise<void> | void;
}

/**
 * Several commands under one name: `npm run keys -- create`. An option that two of them have takes a value in both or in
 * neither.
 */
export interface Program {
  /** What a person writes before the command: `npm run keys --`. */
  readonly name: string;
  /** More sentences for the program's `--help`. */
  readonly notes?: string;
  readonly commands: Readonly<Record<string, Subcommand>>;
}

type ValueOf<O extends ValueOption> = O extends { readonly read: (...args: never[]) => infer Value }
  ? Value
  : string;

/** The value of an option that was read. */
export type OptionValue<O extends Option> = O extends ValueOption
  ? O extends { readonly multiple: true }
    ? readonly ValueOf<O>[]
    : O extends { readonly default: string }
      ? ValueOf<O>
      : ValueOf<O> | undefined
  : boolean;

export type OptionValues<O extends Options> = { readonly [Name in keyof O]: OptionValue<O[Name]> };

/** What a person has written. */
export interface Given<O extends Options = Options, P extends readonly Positional[] = readonly Positional[]> {
  readonly values: OptionValues<O>;
  readonly words: { readonly [Place in keyof P]: string };
  /** The command line without the command's name, unread. */
  readonly args: readonly string[];
}

/** Declares a command; the types of its values follow from its options. */
export function command<const O extends Options, const P extends readonly Positional[]>(
  declared: Command<O, P>,
): Command<O, P> {
  return declared;
}

/** Declares a command of a program, with what it runs. */
export function subcommand<const O extends Options, const P extends readonly Positional[]>(
  declared: Subcommand<O, P>,
): Subcommand<O, P> {
  return declared;
}

export function takesValue(option: Option): option is ValueOption {
  return "value" in option;
}
