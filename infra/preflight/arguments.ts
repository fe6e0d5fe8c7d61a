import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { DeploymentError } from "../config.ts";

export const USAGE = `usage: npm run preflight -- [-c NAME=VALUE]...

Checks whether "npx cdk deploy" with the same -c would succeed, and says what to do if not.
`;

/**
 * Reads the context that the CDK would pass to its app: `cdk.json`, overridden by the command line.
 *
 * @returns the context, or `help` if the usage was requested
 * @throws DeploymentError if the command line is invalid
 */
export async function readContext(
  args: readonly string[],
  cdkJson: URL,
): Promise<Readonly<Record<string, unknown>> | "help"> {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  if (positionals.length > 0)
    throw new DeploymentError(`${JSON.stringify(positionals[0])} stands alone: say -c NAME=VALUE.`);
  const given = (values.context ?? []).map((text) => {
    const equals = text.indexOf("=");
    if (equals < 1) throw new DeploymentError(`-c takes NAME=VALUE, not ${JSON.stringify(text)}.`);
    return [text.slice(0, equals), text.slice(equals + 1)];
  });
  const { context } = JSON.parse(await readFile(cdkJson, "utf8")) as { context?: object };
  return { ...context, ...Object.fromEntries(given) };
}

function parse(args: readonly string[]) {
  const options = {
    context: { type: "string", short: "c", multiple: true },
    help: { type: "boolean", short: "h" },
  } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (cause) {
    throw new DeploymentError(`${(cause as Error).message.split(". ")[0]}.`, { cause });
  }
}
