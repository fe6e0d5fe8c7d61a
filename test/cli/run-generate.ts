import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { RUNNER } from "../../lib/shared/run/index.ts";

const entry = fileURLToPath(new URL("../../functions/cli/generate.ts", import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves once stderr contains `text`. */
  saw(text: string): Promise<void>;
}

/** Starts the command like npm, called in `folder`. */
export function startGenerate(args: readonly string[], folder: string, env: NodeJS.ProcessEnv = {}): Started {
  const child = spawn(process.execPath, [RUNNER, entry, ...args], {
    env: { ...process.env, INIT_CWD: folder, LANG: "C.UTF-8", LC_ALL: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const finished = once(child, "close").then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return {
    child,
    finished,
    saw: (text) =>
      new Promise((resolve, reject) => {
        const look = () => stderr.includes(text) && resolve();
        child.stderr.on("data", look);
        finished.then(() => reject(new Error(`it ended without ${text}: ${stderr}`)));
        look();
      }),
  };
}

export function runGenerate(
  args: readonly string[],
  folder: string,
  env?: NodeJS.ProcessEnv,
): Promise<Finished> {
  return startGenerate(args, folder, env).finished;
}
