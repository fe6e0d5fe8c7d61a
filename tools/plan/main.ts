/** `npm run plan -- --model NAME --videos-per-day N`: simulates waiting times and costs of a deployment. */
import { commandUsage, runMain } from "../../lib/shared/command-line/index.ts";
import { plainText } from "./blocks.ts";
import { writeCosts } from "./costs.ts";
import { parsePlan } from "./options.ts";
import { makePlan } from "./plan.ts";
import { NAME, PLAN } from "./plan-command.ts";
import { planReport } from "./report.ts";

await runMain(async () => {
  const command = parsePlan(process.argv.slice(2));
  if (command.kind === "help") process.stdout.write(commandUsage(NAME, PLAN));
  else if (command.kind === "document") process.stdout.write(`Wrote ${await writeCosts()}.\n`);
  else {
    const plan = makePlan(command.options);
    process.stdout.write(command.isJson ? `${JSON.stringify(plan, null, 2)}\n` : plainText(planReport(plan)));
  }
});
