import { startCommand } from "./start-command.ts";

/** Runs the command like npm, called in `folder`. */
export function runKeys(args: readonly string[], folder: string, env: NodeJS.ProcessEnv = {}) {
  return startCommand("keys", args, { folder, env }).ended;
}
