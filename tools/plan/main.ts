/** `npm run plan -- --model NAME --videos-per-day N`: simulates waiting times and costs of a deployment. */
import { UsageError } from "../bench/usage-error.ts";
import { plainText } from "./blocks.ts";
import { writeCosts } from "./costs.ts";
import { parsePlan, USAGE } from "./options.ts";
import { makePlan } from "./plan.ts";
import { planReport } from "./report.ts";

try {
  const command = parsePlan(process.argv.slice(2));
  if (command.kind === "help") process.stdout.write(USAGE);
  else if (command.kind === "document") process.stdout.write(`Wrote ${await writeCosts()}.\n`);
  else {
    const plan = makePlan(command.options);
    process.stdout.write(command.isJson ? `${JSON.stringify(plan, null, 2)}\n` : plainText(planReport(plan)));
  }
} catch (error) {
  const { message } = error as Error;
  // An error of parseArgs has several sentences; the first says what is wrong.
  const isArgument = (error as NodeJS.ErrnoException).code?.startsWith("ERR_PARSE_ARGS") ?? false;
  process.stderr.write(`${isArgument ? `${message.split(". ")[0]}.` : message}\n`);
  process.exitCode = isArgument || error instanceof UsageError ? 2 : 1;
}
