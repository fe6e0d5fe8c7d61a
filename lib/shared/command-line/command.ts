/** Option without a value, such as `--json`. */
export interface Flag {
  /** Letter of the short form, such as `h` for `-h`. */
  readonly short?: string;
  /** Other names that mean the same, which the usage tells once. */
  readonly aliases?: readonly string[];
  /** Description for the usage: a part of a sentence. */
  readonly text: string;
}

/** Option with a value, such as `--out FILE`. */
export interface ValueOption<Value = unknown> extends Flag {
  /** Placeholder of the value in the usage, such as `FILE` or `N`. */
  readonly value: string;
  /** Text of the value if the option is not given. The usage names it. */
  readonly default?: string;
  /** Lets the option be given several times. Its values make a list. */
  readonly multiple?: true;
  /**
   * Parses the text of the value. By default the value is the text itself.
   *
   * @param flag the option as the user wrote it, such as `--out`, for the error
   * @throws UsageError if the text is invalid
   */
  readonly read?: (text: string, flag: string) => Value;
}

export type Option = Flag | ValueOption;

/** Option `--help`, which every command has besides its own. */
export const HELP: Flag = { short: "h", text: "prints this" };

export type Options = Readonly<Record<string, Option>>;

/** Positional argument, such as `FOLDER`. */
export interface Positional {
  readonly name: string;
  readonly text: string;
  /** Error for a command line without the argument, in place of the usual one. */
  readonly missing?: string;
}

/** Declaration of a command line: its options and positional arguments, and their texts for the usage. */
export interface Command<
  O extends Options = Options,
  P extends readonly Positional[] = readonly Positional[],
> {
  /** Description of the command: a sentence that begins in lower case and has no full stop. */
  readonly text: string;
  readonly options: O;
  readonly positionals: P;
  /** Makes the error for a word after the last positional argument, in place of the usual one. */
  readonly extraWord?: (word: string) => string;
  /** Arguments of an example that works as it is. The usage shows it, and so does the error of a missing argument. */
  readonly example: string;
  /** Environment variables that users set for the command, with their texts for the usage. */
  readonly variables?: Readonly<Record<string, string>>;
  /** More sentences for the command's own `--help`. */
  readonly notes?: string;
}

/** Command of a program. */
export interface Subcommand<
  O extends Options = Options,
  P extends readonly Positional[] = readonly Positional[],
> extends Command<O, P> {
  run(given: Given<O, P>): Promise<void> | void;
}

/**
 * Program of several commands, such as `npm run keys -- create`. If two commands have an option of the same name, both
 * or neither must take a value.
 */
export interface Program {
  /** Text that users write before the command, such as `npm run keys --`. */
  readonly name: string;
  /** More sentences for the program's `--help`. */
  readonly notes?: string;
  readonly commands: Readonly<Record<string, Subcommand>>;
}

type ValueOf<O extends ValueOption> = O extends { readonly read: (...args: never[]) => infer Value }
  ? Value
  : string;

/** Type of an option's value. */
export type OptionValue<O extends Option> = O extends ValueOption
  ? O extends { readonly multiple: true }
    ? readonly ValueOf<O>[]
    : O extends { readonly default: string }
      ? ValueOf<O>
      : ValueOf<O> | undefined
  : boolean;

export type OptionValues<O extends Options> = { readonly [Name in keyof O]: OptionValue<O[Name]> };

/** Command line as parsed. */
export interface Given<O extends Options = Options, P extends readonly Positional[] = readonly Positional[]> {
  readonly values: OptionValues<O>;
  readonly words: { readonly [Place in keyof P]: string };
  /** Command line without the command's name, not parsed. */
  readonly args: readonly string[];
}

/** Declares a command. The types of its values follow from its options. */
export function command<const O extends Options, const P extends readonly Positional[]>(
  declared: Command<O, P>,
): Command<O, P> {
  return declared;
}

/** Declares a command of a program, with the function that runs it. */
export function subcommand<const O extends Options, const P extends readonly Positional[]>(
  declared: Subcommand<O, P>,
): Subcommand<O, P> {
  return declared;
}

export function takesValue(option: Option): option is ValueOption {
  return "value" in option;
}
