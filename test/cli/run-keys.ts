import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const entry = fileURLToPath(new URL("../../functions/cli/keys.ts", import.meta.url));

/** Runs the command as npm would, standing in `folder`. */
export async function runKeys(args: readonly string[], folder: string, env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, ["--import", import.meta.resolve("tsx"), entry, ...args], {
    env: { ...process.env, INIT_CWD: folder, DATA_DIR: "", STORE: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await ended;
  return { code: code as number | null, stdout, stderr };
}
