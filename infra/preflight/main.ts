import { commandUsage, runMain } from "../../lib/shared/command-line/index.ts";
import { DeploymentError } from "../config.ts";
import { NAME, PREFLIGHT, readArguments } from "./arguments.ts";
import { policyFor, preflight } from "./checks.ts";
import { type Found, reportOf } from "./report.ts";

/** `npm run preflight`: checks whether a deployment would succeed. Exits with 1 if it is not ready. */
async function main(): Promise<void> {
  const given = await readArguments(process.argv.slice(2), new URL("../../cdk.json", import.meta.url));
  if (given === "help") return void process.stdout.write(commandUsage(NAME, PREFLIGHT));
  const { context, isVerbose, policyOf } = given;
  if (policyOf) {
    const document = await policyFor(policyOf, context, process.env);
    return void process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
  }
  const checks = await preflight(context, process.env);
  const found = await Promise.all(
    checks.map(async ([subject, finding]): Promise<Found> => [subject, await finding]),
  );
  const { lines, isReady } = reportOf(found, { isVerbose });
  process.stdout.write(`${lines.join("\n")}\n`);
  if (!isReady) process.exitCode = 1;
}

await runMain(main, { usageErrors: [DeploymentError] });
