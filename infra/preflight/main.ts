import { DeploymentError } from "../config.ts";
import { readContext, USAGE } from "./arguments.ts";
import { preflight } from "./checks.ts";
import { printed } from "./finding.ts";

/** `npm run preflight`: checks whether a deployment would succeed. */

async function main(): Promise<void> {
  const context = await readContext(process.argv.slice(2), new URL("../../cdk.json", import.meta.url));
  if (context === "help") return void process.stdout.write(USAGE);
  for (const [subject, finding] of await preflight(context, process.env)) {
    const found = await finding;
    process.stdout.write(printed(subject, found));
    if (found.state === "wrong") process.exitCode = 1;
  }
}

/** Writes findings to stdout. Exits with 1 if one is wrong, and with 2 and a sentence on stderr for a usage error. */
main().catch((error: Error) => {
  process.stderr.write(error instanceof DeploymentError ? `${error.message}\n` : `${error.stack}\n`);
  process.exitCode = error instanceof DeploymentError ? 2 : 1;
});
