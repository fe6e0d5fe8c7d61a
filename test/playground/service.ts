import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { RUNNER } from "../../lib/shared/run/index.ts";

export interface LocalService {
  readonly url: string;
  readonly key: string;
  /** Sends a request of the API with the first key, and returns its answer. */
  send<Answer>(method: string, path: string, body?: object): Promise<Answer>;
  /** Runs `npm run keys` on the service's store, and returns what it prints. */
  keys(...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

/** Starts `npm start` on a free port and in a temporary folder. Webhooks to this machine are allowed. */
export async function startService(): Promise<LocalService> {
  const folder = mkdtempSync(join(tmpdir(), "adareel-playground-"));
  const env = {
    ...process.env,
    PORT: "0",
    DATA_DIR: folder,
    LOG_LEVEL: "error",
    ALLOW_LOOPBACK_WEBHOOKS: "1",
  };
  const child = spawn(process.execPath, [RUNNER, "functions/local/start.ts"], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = text(child.stderr);
  const stop = async () => {
    if (child.exitCode === null) {
      child.kill("SIGTERM");
      await once(child, "exit");
    }
    rmSync(folder, { recursive: true, force: true });
  };
  const keys = async (...args: string[]) => {
    const command = [RUNNER, "functions/cli/keys.ts", ...args];
    return (await promisify(execFile)(process.execPath, command, { env })).stdout;
  };
  try {
    const greeting = await greetingOf(child, said);
    const [, url, key] = /(http:\S+)\/#key=(\S+)/.exec(greeting) as unknown as [string, string, string];
    const send = async <Answer>(method: string, path: string, body?: object) => {
      const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
      const answer = await fetch(url + path, {
        method,
        headers,
        ...(body && { body: JSON.stringify(body) }),
      });
      return (await answer.json()) as Answer;
    };
    return { url, key, send, keys, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Reads the output until the URL with the API key is printed. */
async function greetingOf({ stdout }: ChildProcess, said: Promise<string>): Promise<string> {
  let greeting = "";
  for await (const chunk of stdout!) {
    greeting += String(chunk);
    if (/#key=\S+\s/.test(greeting)) return greeting;
  }
  throw new Error(`The service did not start: ${await said}`);
}
