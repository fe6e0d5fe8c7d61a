import type { Logger } from "pino";

export { reasonOf } from "../../lib/shared/reason-of.ts";

/** What is told of the work. Never a prompt, a URL or a key. */
export type Log = Pick<Logger, "debug" | "info" | "warn" | "error">;
