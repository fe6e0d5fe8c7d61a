import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Video } from "../../functions/api/schemas/video.ts";
import { RUNNER } from "../../lib/shared/run/index.ts";

/** Program that `npm start` runs. */
const entry = fileURLToPath(new URL("../../functions/local/start.ts", import.meta.url));

/** Process of `npm start`, with its output. */
export interface LocalProcess {
  readonly child: ChildProcess;
  readonly stdout: string;
  readonly stderr: string;
  /** Exit code, once the process has ended and its streams are closed; null if a signal ended it. */
  readonly ended: Promise<number | null>;
}

export interface LocalService extends LocalProcess {
  readonly url: string;
  /** API key that was printed to be pasted: at the first start one that stays valid. */
  readonly key: string | null;
  /** API key in the link to the playground, which ends with the service. */
  readonly sessionKey: string | null;
}

/** Starts the service on a free port, without messages that the test did not cause. */
export function spawnLocal(
  env: NodeJS.ProcessEnv,
  options: SpawnOptions = {},
  args: readonly string[] = [],
): LocalProcess {
  const child = spawn(process.execPath, [RUNNER, entry, ...args], {
    env: { ...process.env, PORT: "0", THREADS: "1", INIT_CWD: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    ...options,
  });
  const output = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream]?.setEncoding("utf8").on("data", (text: string) => {
      output[stream] += text;
    });
  }
  return Object.assign(output, {
    child,
    ended: once(child, "close").then(([code]) => code as number | null),
  });
}

/** Starts the service, and resolves when it accepts requests. */
export async function startLocal(env: NodeJS.ProcessEnv, options?: SpawnOptions): Promise<LocalService> {
  const started = spawnLocal(env, options);
  const greeted = new Promise<void>((resolve) => {
    started.child.stdout!.on("data", () => /\ncurl [\s\S]*\.\n$/.test(started.stdout) && resolve());
  });
  const outcome = await Promise.race([greeted, started.ended.then(() => "ended")]);
  if (outcome === "ended") throw new Error(`npm start ended: ${started.stderr}`);
  const url = /listens on (\S+)/.exec(started.stdout)![1]!;
  const printed = (form: RegExp) => form.exec(started.stdout)?.[1] ?? null;
  const key = printed(/^export ADAREEL_API_KEY=(adr_\S{56})$/m);
  return Object.assign(started, { url, key, sessionKey: printed(/#key=(adr_\S{56})$/m) });
}

/** Creates a client of one service with one key. */
export function clientOf(url: string, key: string) {
  async function send(method: string, path: string, json?: unknown, headers: Record<string, string> = {}) {
    const body = json === undefined ? {} : { body: JSON.stringify(json) };
    return fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
      ...body,
    });
  }

  /**
   * Sends a request and parses the answer.
   *
   * @throws Error with the answer if the status is not 2xx
   */
  async function ask<T>(method: string, path: string, json?: unknown, headers?: Record<string, string>) {
    const answer = await send(method, path, json, headers);
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  return {
    send,
    ask,
    create: (request: object) => ask<Video>("POST", "/v1/videos", request),
    read: (id: string) => ask<Video>("GET", `/v1/videos/${id}`),
    /** Waits until the video is completed or failed. */
    async finished(id: string): Promise<Video> {
      for (;;) {
        const video = await ask<Video>("GET", `/v1/videos/${id}`, undefined, { prefer: "wait=25" });
        if (video.status === "completed" || video.status === "failed") return video;
      }
    },
  };
}

export type Client = ReturnType<typeof clientOf>;
