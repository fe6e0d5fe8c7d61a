import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

export interface LocalService {
  readonly url: string;
  readonly key: string;
  stop(): Promise<void>;
}

/** Starts `npm start` on a free port and in a temporary folder. */
export async function startService(): Promise<LocalService> {
  const folder = mkdtempSync(join(tmpdir(), "adareel-playground-"));
  const child = spawn(process.execPath, ["--import", "tsx", "functions/local/start.ts"], {
    env: { ...process.env, PORT: "0", DATA_DIR: folder, LOG_LEVEL: "error" },
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
  try {
    const greeting = await greetingOf(child, said);
    const [, url, key] = /(http:\S+)\/#key=(\S+)/.exec(greeting)!;
    return { url: url!, key: key!, stop };
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
