import type { Logger } from "pino";

/** What is told of the work. Never a prompt, a URL or a key. */
export type Log = Pick<Logger, "debug" | "info" | "warn" | "error">;

/** An error for the log, with what it was caused by. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own} <- ${reasonOf(error.cause)}`;
}
