import { wordLines } from "../word-lines.ts";
import { type Command, HELP, type Option, type Options, type Program, takesValue } from "./command.ts";

/** Limit of the width of a usage, in characters. */
const WIDTH = 110;
/** Limit of the number of options in a synopsis. Beyond it, the synopsis has `[options]` in their place. */
const SYNOPSIS_OPTIONS_MAX = 5;

/** Returns the synopsis of a command, such as `npm run keys -- create [--tenant NAME]`. */
export function synopsis(name: string, { positionals, options }: Command): string {
  const flags = Object.entries(options);
  const optional = flags.length > SYNOPSIS_OPTIONS_MAX ? ["[options]"] : flags.map(bracketed);
  const words = [...positionals.map((positional) => positional.name), ...optional];
  return words.length === 0 ? bare(name) : [name, ...words].join(" ");
}

function bracketed([name, option]: [string, Option]): string {
  const flag = option.short === undefined ? `--${name}` : `-${option.short}`;
  if (!takesValue(option)) return `[${flag}]`;
  return `[${flag} ${option.value}${option.multiple ? " ..." : ""}]`;
}

/** Returns the example of a command as it is typed. */
export function exampleOf(name: string, { example }: Command): string {
  return example === "" ? bare(name) : `${name} ${example}`;
}

/** Returns the name of a command without the dashes that npm needs before arguments. */
function bare(name: string): string {
  return name.replace(/ --$/, "");
}

/** Returns the usage of a command: synopsis, description, positional arguments, options, variables and example. */
export function commandUsage(name: string, command: Command): string {
  const { text, positionals, options, variables = {}, notes } = command;
  return paragraphs(
    `usage: ${synopsis(name, command)}`,
    sentence(text),
    table(positionals.map((positional): Row => [positional.name, positional.text])),
    optionTable(options),
    table(Object.entries(variables)),
    notes && wrapped(notes, 0),
    `example: ${exampleOf(name, command)}`,
  );
}

/** Returns the usage of a program: synopsis and description of each command. */
export function programUsage({ name, commands, notes }: Program): string {
  const entries = Object.entries(commands);
  const lines = entries.map(([word, command]) => synopsis(`${name} ${word}`, command));
  return paragraphs(
    lines.map((line, index) => `${index === 0 ? "usage:" : "      "} ${line}`).join("\n"),
    table(entries.map(([word, { text }]): Row => [word, text])),
    notes && wrapped(notes, 0),
    `example: ${exampleOf(`${name} ${entries[0]![0]}`, entries[0]![1])}`,
    `More about a command and its options: ${name} ${entries[0]![0]} --help`,
  );
}

type Row = readonly [left: string, right: string];

function optionTable(options: Options): string {
  const rows = Object.entries({ ...options, help: HELP }).map(([name, option]): Row => {
    const short = option.short === undefined ? "" : `-${option.short}, `;
    const also = option.aliases?.length
      ? `; also ${option.aliases.map((alias) => `--${alias}`).join(", ")}`
      : "";
    if (!takesValue(option)) return [`${short}--${name}`, option.text + also];
    const otherwise = option.default ? `; default ${option.default}` : "";
    return [`${short}--${name} ${option.value}`, option.text + otherwise + also];
  });
  return table(rows);
}

function table(rows: readonly Row[]): string {
  const indent = Math.max(0, ...rows.map(([left]) => left.length)) + 4;
  return rows.map(([left, right]) => `  ${left}`.padEnd(indent) + wrapped(right, indent)).join("\n");
}

/** Breaks a text into lines, and indents all but the first. */
function wrapped(text: string, indent: number): string {
  return wordLines(text, WIDTH - indent).join(`\n${" ".repeat(indent)}`);
}

function sentence(text: string): string {
  return wrapped(`${text[0]!.toUpperCase()}${text.slice(1)}.`, 0);
}

function paragraphs(...parts: readonly (string | undefined)[]): string {
  return `${parts.filter(Boolean).join("\n\n")}\n`;
}
