import { commandUsage, parseCommand, runMain } from "../../lib/shared/command-line/index.ts";
import { NAME, openSmoke, SMOKE } from "./arguments.ts";
import { smoke } from "./smoke.ts";

/** `npm run smoke`: makes one video with a running service, from the request to the file. Exits with 1 if it cannot. */
await runMain(async () => {
  const given = parseCommand(NAME, SMOKE, process.argv.slice(2));
  if (given === "help") return void process.stdout.write(commandUsage(NAME, SMOKE));
  await smoke(openSmoke(given.values, process.env), (line) => process.stdout.write(`${line}\n`));
});
