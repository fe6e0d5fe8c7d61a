import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { RUNNER } from "../../lib/shared/run/index.ts";

/** Starts a command like npm, called in `folder`. */
export function startCommand(
  name: "keys" | "models",
  args: readonly string[],
  { folder, env = {} }: { readonly folder: string; readonly env?: NodeJS.ProcessEnv },
) {
  const entry = fileURLToPath(new URL(`../../functions/cli/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [RUNNER, entry, ...args], {
    env: { ...process.env, INIT_CWD: folder, DATA_DIR: "", STORE: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  async function end() {
    const closed = once(child, "close");
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
    const [code] = await closed;
    return { code: code as number | null, stdout, stderr };
  }
  return { child, ended: end() };
}
