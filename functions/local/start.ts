import { commandUsage, parseCommand } from "../../lib/shared/command-line/index.ts";
import { NAME, START } from "./command.ts";
import { parseConfig } from "./config.ts";
import { exitWithSentence } from "./exit-with-sentence.ts";
import { greeting } from "./greeting.ts";
import { openLog } from "./output.ts";
import { startService } from "./service.ts";
import { orphanWatch, stopOnSignals } from "./stop-on-signals.ts";

/* Entry point of `npm start`: runs the service on this machine until a signal stops it. */

async function main(): Promise<void> {
  if (parseCommand(NAME, START, process.argv.slice(2)) === "help") {
    return void process.stdout.write(commandUsage(NAME, START));
  }
  // npm runs scripts in the package's folder, and passes the user's folder in INIT_CWD.
  const config = parseConfig(process.env, process.env.INIT_CWD ?? process.cwd());
  const { log, watch, isWorking } = openLog(config);
  const isOrphaned = await orphanWatch();
  const service = await startService(config, log, watch);
  // Videos that are made elsewhere go on.
  const isWorkingHere = () => config.workers > 0 && isWorking();
  stopOnSignals({
    stop: service.stop,
    graceMs: config.stopGraceMs,
    log,
    isWorking: isWorkingHere,
    isOrphaned,
  });
  // Whoever read the output may be gone, as in a pipe; the service goes on, as with its log.
  process.stdout.on("error", () => undefined);
  process.stdout.write(greeting(service));
}

main().catch(exitWithSentence);
