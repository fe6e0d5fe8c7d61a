import { readFile } from "node:fs/promises";
import { command, parseCommand, UsageError } from "../../lib/shared/command-line/index.ts";
import { POLICIES, type PolicyName } from "./policies.ts";

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
    verbose: { text: "lists every check, also those that could not be made" },
    permissions: {
      value: "WHO",
      text: "checks nothing, and prints the IAM policy of deployer or cloudformation",
      read: policyName,
    },
  },
  example: "-c model=latte-1 -c region=eu-central-1",
  notes: "The last line says whether the deployment is ready. The exit code is 1 if it is not.",
});

function setting(text: string): [name: string, value: string] {
  const equals = text.indexOf("=");
  if (equals < 1) throw new UsageError(`-c takes NAME=VALUE, not ${JSON.stringify(text)}.`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function policyName(text: string): PolicyName {
  if (Object.hasOwn(POLICIES, text)) return text as PolicyName;
  throw new UsageError(
    `--permissions must be ${Object.keys(POLICIES).join(" or ")}, got ${JSON.stringify(text)}.`,
  );
}

export interface PreflightArguments {
  /** Context that the CDK would pass to its app: `cdk.json`, overridden by the command line. */
  readonly context: Readonly<Record<string, unknown>>;
  readonly isVerbose: boolean;
  /** Name of the policy to print instead of checking, or null. */
  readonly policyOf: PolicyName | null;
}

/**
 * Reads the command line.
 *
 * @returns the arguments, or `help` if the usage was requested
 * @throws UsageError if the command line is invalid
 */
export async function readArguments(
  args: readonly string[],
  cdkJson: URL,
): Promise<PreflightArguments | "help"> {
  const given = parseCommand(NAME, PREFLIGHT, args);
  if (given === "help") return "help";
  const { context: settings, verbose, permissions } = given.values;
  const { context } = JSON.parse(await readFile(cdkJson, "utf8")) as { context?: object };
  return {
    context: { ...context, ...Object.fromEntries(settings) },
    isVerbose: verbose,
    policyOf: permissions ?? null,
  };
}
