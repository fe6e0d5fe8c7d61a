import { DeploymentError } from "../config.ts";
import { readContext, USAGE } from "./arguments.ts";
import { preflight } from "./checks.ts";
import { printed } from "./finding.ts";

/** `npm run preflight`: what would keep a deployment from succeeding, before it is tried. */

async function main(): Promise<void> {
  const context = await readContext(process.argv.slice(2), new URL("../../cdk.json", import.meta.url));
  if (context === "help") return void process.stdout.write(USAGE);
  for (const [subject, finding] of await preflight(context, process.env)) {
    const found = await finding;
    process.stdout.write(printed(subject, found));
    if (found.state === "wrong") process.exitCode = 1;
  }
}

/** One sentence on stderr and 2 for what was asked wrongly; what was found is on stdout, and 1 if anything is wrong. */
main().catch((error: Error) => {
  process.stderr.write(error instanceof DeploymentError ? `${error.message}\n` : `${error.stack}\n`);
  process.exitCode = error instanceof DeploymentError ? 2 : 1;
});
