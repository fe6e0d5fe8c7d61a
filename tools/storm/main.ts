import { commandUsage, parseCommand, runMain, UsageError } from "../../lib/shared/command-line/index.ts";
import { NAME, STORM } from "./arguments.ts";
import { report, verdicts } from "./report.ts";
import { canStorm } from "./service.ts";
import { storm } from "./storm.ts";

/** `npm run storm`: holds the service of this machine against faults. Exits with 1 if a promise was broken. */
await runMain(async () => {
  const given = parseCommand(NAME, STORM, process.argv.slice(2));
  if (given === "help") return void process.stdout.write(commandUsage(NAME, STORM));
  if (!canStorm) throw new UsageError("A storm needs Linux: it finds the service's processes under /proc.");
  const result = await storm(given.values, (line) => process.stderr.write(`${line}\n`));
  process.stdout.write(report(result));
  if (verdicts(result).some(({ broken }) => broken.length > 0)) process.exitCode = 1;
});
