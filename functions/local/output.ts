import { type Logger, pino } from "pino";
import { isFinished, type JobRecord } from "../../lib/service/jobs/index.ts";
import { logDestination } from "../../lib/shared/log-destination.ts";
import type { LocalConfig } from "./config.ts";
import { jobLine, sentenceOf, terminalLog } from "./terminal-log.ts";
import type { Watch } from "./watch.ts";

export interface Output {
  readonly log: Logger;
  /** Watcher that shows jobs on the terminal; undefined where the log is JSON. */
  readonly watch: Watch | undefined;
  /** Returns false if it is known that no job runs. */
  readonly isWorking: () => boolean;
}

/** Opens the log: sentences on a terminal, JSON elsewhere. */
export function openLog({ logLevel: level, logFormat }: Pick<LocalConfig, "logLevel" | "logFormat">): Output {
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
