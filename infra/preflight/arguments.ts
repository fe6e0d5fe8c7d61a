import { readFile } from "node:fs/promises";
import { command, parseCommand, UsageError } from "../../lib/shared/command-line/index.ts";

export const NAME = "npm run preflight --";

export const PREFLIGHT = command({
  text: 'looks whether "npx cdk deploy" with the same -c would work, and says what to do where it would not',
  positionals: [],
  options: {
    context: {
      short: "c",
      value: "NAME=VALUE",
      text: "a setting of the deployment, over that of cdk.json; as often as needed",
      multiple: true,
      read: setting,
    },
  },
  example: "-c model=latte-1 -c region=eu-central-1",
  notes: "Ends with 1 if anything is wrong.",
});

function setting(text: string): [name: string, value: string] {
  const equals = text.indexOf("=");
  if (equals < 1) throw new UsageError(`-c takes NAME=VALUE, not ${JSON.stringify(text)}.`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/**
 * Returns the context that the CDK would give its app: that of `cdk.json`, and the command line over it; `help` when
 * asked for the usage.
 *
 * @throws UsageError
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
