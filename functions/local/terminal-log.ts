import type { DestinationStream } from "pino";
import type { JobRecord } from "../../lib/service/jobs/index.ts";

/** Lines that people read while the service runs on their terminal. Elsewhere, the log is JSON. */

/** Levels of pino from which a line is a warning or an error. */
const WARN = 40;
const ERROR = 50;

/**
 * Returns a destination for pino's lines that prints warnings, errors and messages without details as sentences. The
 * others, such as a line for each request, are for machines.
 */
export function terminalLog(write: (text: string) => void): DestinationStream {
  return {
    write(line) {
      const text = sentenceOf(line);
      if (text !== null) write(`${text}\n`);
    },
  };
}

/** Returns the sentence of a line of the log; null if the line is for machines. Text that is no JSON stays as it is. */
export function sentenceOf(line: string): string | null {
  const parsed = objectIn(line);
  if (parsed === null) return line.trimEnd() === "" ? null : line.trimEnd();
  const { level = 0, time: _, msg = "", reason, ...details } = parsed as Line;
  const id = details.videoId ?? details.id;
  const words = [capitalised(msg), reason].filter(Boolean).join(": ");
  if (level < WARN) return Object.keys(details).length === 0 && !reason ? withStop(words) : null;
  const about = typeof id === "string" ? ` (${id})` : "";
  return withStop(`${level < ERROR ? "Warning" : "Error"}: ${words.replace(/\.$/, "")}${about}`);
}

interface Line {
  readonly level?: number;
  readonly time?: unknown;
  readonly msg?: string;
  readonly reason?: string;
  readonly [detail: string]: unknown;
}

function objectIn(line: string): object | null {
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" ? parsed : null;
  } catch {
    return null;
  }
}

/** Returns what a person is told of a job that has begun or ended. It has no word of the prompt. */
export function jobLine({ id, status, attempt, startedAt, finishedAt, error, receipt }: JobRecord): string {
  switch (status) {
    case "completed": {
      const seconds = `finished in ${((finishedAt! - startedAt!) / 1000).toFixed(1)} s`;
      if (!receipt) return `${id} ${seconds}`;
      const { computed, requested } = receipt.steps;
      return `${id} ${seconds}, ${computed} of ${requested} steps computed`;
    }
    case "failed":
      return `${id} failed: ${error?.message ?? "the reason is not known."}`;
    case "cancelled":
      return `${id} was cancelled`;
    case "queued":
      return `${id} waits`;
    case "running":
      return attempt > 1 ? `${id} started again` : `${id} started`;
  }
}

function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function withStop(text: string): string {
  return /[.?!]$/.test(text) ? text : `${text}.`;
}
