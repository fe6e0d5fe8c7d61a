import { CheckpointError } from "../../lib/generation/checkpoint/index.ts";
import { ProvenanceError } from "../../lib/generation/provenance/index.ts";
import { RequestError } from "../../lib/generation/request/index.ts";
import { commandUsage, parseCommand, UsageError } from "../../lib/shared/command-line/index.ts";
import { ConfigError } from "../../lib/shared/environment.ts";
import { NAME, START } from "./command.ts";
import { parseConfig } from "./config.ts";
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

/*
 * An error is printed as one sentence. The exit code is 2 for an error in the command line, the configuration or a
 * model, otherwise 1.
 */
main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  const isMistake = [
    UsageError,
    ConfigError,
    RequestError,
    CheckpointError,
    ProvenanceError,
    RangeError,
  ].some((kind) => error instanceof kind);
  process.exit(isMistake ? 2 : 1);
});
