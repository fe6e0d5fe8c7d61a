import { readFile } from "node:fs/promises";
import { command, parseCommand, UsageError } from "../../lib/shared/command-line/index.ts";

export const NAME = "npm run preflight --";

export const PREFLIGHT = command({
  text: 'checks whether "npx cdk deploy" with the same -c would succeed, and says what to do if not',
  positionals: [],
  options: {
    context: {
      short: "c",
      value: "NAME=VALUE",
      text: "a setting of the deployment, which overrides that of cdk.json; may be repeated",
      multiple: true,
      read: setting,
    },
  },
  example: "-c model=latte-1 -c region=eu-central-1",
  notes: "The exit code is 1 if a check fails.",
});

function setting(text: string): [name: string, value: string] {
  const equals = text.indexOf("=");
  if (equals < 1) throw new UsageError(`-c takes NAME=VALUE, not ${JSON.stringify(text)}.`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/**
 * Reads the context that the CDK would pass to its app: `cdk.json`, overridden by the command line.
 *
 * @returns the context, or `help` if the usage was requested
 * @throws UsageError if the command line is invalid
 */
export async function readContext(
  args: readonly string[],
  cdkJson: URL,
): Promise<Readonly<Record<string, unknown>> | "help"> {
  const given = parseCommand(NAME, PREFLIGHT, args);
  if (given === "help") return "help";
  const { context } = JSON.parse(await readFile(cdkJson, "utf8")) as { context?: object };
  return { ...context, ...Object.fromEntries(given.values.context) };
}
