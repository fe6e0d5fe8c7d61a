import type { Logger } from "pino";

export { reasonOf } from "../../lib/shared/reason-of.ts";

/** Log of the GPU function. It never contains a prompt, a URL or a key. */
export type Log = Pick<Logger, "debug" | "info" | "warn" | "error">;
