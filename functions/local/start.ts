import { type Logger, pino } from "pino";
import { CheckpointError } from "../../lib/generation/checkpoint/index.ts";
import { ProvenanceError } from "../../lib/generation/provenance/index.ts";
import { RequestError } from "../../lib/generation/request/index.ts";
import type { JobRecord } from "../../lib/service/jobs/index.ts";
import { isFinished } from "../../lib/service/jobs/index.ts";
import { commandUsage, parseCommand, UsageError } from "../../lib/shared/command-line/index.ts";
import { ConfigError } from "../../lib/shared/environment.ts";
import { logDestination } from "../../lib/shared/log-destination.ts";
import { processState } from "../../lib/shared/process-state.ts";
import { NAME, START } from "./command.ts";
import { type LocalConfig, parseConfig } from "./config.ts";
import { greeting } from "./greeting.ts";
import type { Watch } from "./loops.ts";
import { type Service, startService } from "./service.ts";
import { jobLine, sentenceOf, terminalLog } from "./terminal-log.ts";

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
  stopOnSignals(service, log, isWorking, isOrphaned);
  // Whoever read the output may be gone, as in a pipe; the service goes on, as with its log.
  process.stdout.on("error", () => undefined);
  process.stdout.write(greeting(service));
}

interface Output {
  readonly log: Logger;
  /** Watcher that shows jobs on the terminal; undefined where the log is JSON. */
  readonly watch: Watch | undefined;
  /** Returns false if it is known that no job runs. */
  readonly isWorking: () => boolean;
}

/** Opens the log: sentences on a terminal, JSON elsewhere. */
function openLog({ logLevel: level, logFormat }: LocalConfig): Output {
  const destination = logDestination(2);
  const format = logFormat ?? (process.stderr.isTTY ? "text" : "json");
  if (format === "json") {
    return { log: pino({ level, base: null }, destination), watch: undefined, isWorking: () => true };
  }
  const log = pino(
    { level, base: null },
    terminalLog((text) => destination.write(text)),
  );
  const running = new Set<string>();
  const watch: Watch = {
    onJob(record: JobRecord) {
      if (isFinished(record)) running.delete(record.id);
      else running.add(record.id);
      if (log.isLevelEnabled("info")) destination.write(`${jobLine(record)}\n`);
    },
    onLine(line) {
      const sentence = sentenceOf(line);
      if (sentence !== null) destination.write(`${sentence}\n`);
    },
  };
  return { log, watch, isWorking: () => running.size > 0 };
}

/** Time in which a repeated signal is ignored, because npm passes on a Ctrl-C that this process has received itself. */
const REPEAT_MS = 500;

/** Milliseconds between two looks at the processes that npm started this one by. */
const ORPHAN_MS = 1000;

/**
 * Returns whether npm, or the shell in which npm runs this script, has ended. npm passes a SIGTERM only to that shell;
 * and when npm is killed, the shell stays and waits. Some shells replace themselves by the script, so that npm is the
 * parent; what started npm may end.
 */
async function orphanWatch(): Promise<() => Promise<boolean>> {
  if (!process.env.npm_lifecycle_event) return async () => false;
  const parent = process.ppid;
  const shell = await processState(parent);
  if (!shell || !/sh$/.test(shell.name)) return async () => process.ppid !== parent;
  return async () => {
    if (process.ppid !== parent) return true;
    const now = await processState(parent);
    return now !== null && now.parent !== shell.parent;
  };
}

/** Stops the service on SIGINT (Ctrl-C), on SIGTERM, and when npm is gone; then ends the process. */
function stopOnSignals(
  service: Service,
  log: Logger,
  isWorking: () => boolean,
  isOrphaned: () => Promise<boolean>,
): void {
  let stoppingSince: number | null = null;
  const stop = () => {
    if (stoppingSince !== null) {
      // A second signal ends the process at once. Jobs under way begin anew at the next start.
      if (performance.now() - stoppingSince > REPEAT_MS) process.exit(1);
      return;
    }
    stoppingSince = performance.now();
    log.info(
      isWorking() ? "stopping: a video under way has 25 seconds; Ctrl-C again ends it at once" : "stopping",
    );
    service.stop().then(
      () => process.exit(0),
      (error: Error) => {
        log.error({ reason: error.message }, "the service failed to stop in order");
        process.exit(1);
      },
    );
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  const watch = setInterval(async () => {
    if (!(await isOrphaned())) return;
    clearInterval(watch);
    if (stoppingSince === null) stop();
  }, ORPHAN_MS);
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
