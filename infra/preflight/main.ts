import { commandUsage, runMain } from "../../lib/shared/command-line/index.ts";
import { DeploymentError } from "../config.ts";
import { NAME, PREFLIGHT, readContext } from "./arguments.ts";
import { preflight } from "./checks.ts";
import { printed } from "./finding.ts";

/** `npm run preflight`: checks whether a deployment would succeed. Exits with 1 if a finding is wrong. */
async function main(): Promise<void> {
  const context = await readContext(process.argv.slice(2), new URL("../../cdk.json", import.meta.url));
  if (context === "help") return void process.stdout.write(commandUsage(NAME, PREFLIGHT));
  for (const [subject, finding] of await preflight(context, process.env)) {
    const found = await finding;
    process.stdout.write(printed(subject, found));
    if (found.state === "wrong") process.exitCode = 1;
  }
}

await runMain(main, { usageErrors: [DeploymentError] });
