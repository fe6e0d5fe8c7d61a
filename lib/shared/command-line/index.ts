/** Frame of command lines: commands declare their options, and get parser, usage and exit codes. */
export {
  type Command,
  command,
  type Given,
  type Option,
  type Options,
  type OptionValues,
  type Program,
  subcommand,
} from "./command.ts";
export { parseCommand } from "./parse.ts";
export { runMain, runProgram } from "./run.ts";
export { commandUsage, programUsage } from "./usage.ts";
export { UsageError } from "./usage-error.ts";
