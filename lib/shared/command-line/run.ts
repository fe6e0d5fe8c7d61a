import { inspect } from "node:util";
import { nearest, oneOf } from "../sentences/index.ts";
import { HELP, type Options, type Program } from "./command.ts";
import { checkOption, parseCommand, tokensOf } from "./parse.ts";
import { commandUsage, programUsage } from "./usage.ts";
import { UsageError } from "./usage-error.ts";

export interface RunOptions {
  /** Classes of errors that, like UsageError, mean that the user must change the command. */
  readonly usageErrors?: readonly (abstract new (
    ...args: never[]
  ) => Error)[];
}

/**
 * Runs the main function of a process. An error is printed on stderr as one sentence. The exit code is 2 if the user
 * must change the command, and 1 for any other error. The environment variable ADAREEL_DEBUG adds the stack and the
 * causes.
 */
export async function runMain(
  main: () => Promise<void> | void,
  { usageErrors = [] }: RunOptions = {},
): Promise<void> {
  stopWhenUnheard();
  try {
    await main();
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    process.stderr.write(`${endedOnce(error.message.trimEnd())}\n`);
    if (process.env.ADAREEL_DEBUG) process.stderr.write(`${inspect(error)}\n`);
    process.exitCode = [UsageError, ...usageErrors].some((kind) => error instanceof kind) ? 2 : 1;
  }
}

/** Returns a sentence with one full stop where another's sentence, which has its own, was put at its end. */
function endedOnce(sentence: string): string {
  return sentence.replace(/([^.])\.\.$/, "$1.");
}

/**
 * Ends the process when its output can no longer be written. A reader that has read enough, such as `head`, is no
 * fault; a full disk is one.
 */
function stopWhenUnheard(): void {
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    if (code === "EPIPE") process.exit();
    process.stderr.write(`The result cannot be printed: ${code}.\n`);
    process.exit(1);
  });
  process.stderr.on("error", () => process.exit(1));
}

/**
 * Runs the command that the first word names, or prints a usage.
 *
 * @throws UsageError if the command line is invalid
 */
export async function runProgram(program: Program, args: readonly string[]): Promise<void> {
  const { name, commands } = program;
  const every = Object.values(commands).map(({ options }) => options);
  const options: Options = Object.assign({ help: HELP }, ...every);
  const { tokens, values } = tokensOf(options, args);
  const first = tokens.find((token) => token.kind === "positional");
  if (!first && values.help) return void process.stdout.write(programUsage(program));
  const command = first && Object.hasOwn(commands, first.value) ? commands[first.value] : undefined;
  // Without a command, an option that no command has is what a person got wrong.
  if (!first) for (const token of tokens) if (token.kind === "option") checkOption(options, token);
  if (!command) throw new UsageError(unknownCommand(program, first?.value));
  const own = `${name} ${first!.value}`;
  const given = parseCommand(own, command, args.toSpliced(first!.index, 1));
  if (given === "help") return void process.stdout.write(commandUsage(own, command));
  await command.run(given);
}

function unknownCommand({ name, commands }: Program, word: string | undefined): string {
  const names = Object.keys(commands);
  const meant = word === undefined ? undefined : nearest(word, names);
  const given = word === undefined ? "" : `There is no command ${JSON.stringify(word)}: `;
  return `${given}${given ? "say" : "Say"} ${meant ?? oneOf(names)}, as in ${name} ${meant ?? names[0]} --help.`;
}
