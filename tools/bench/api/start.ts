import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { repository } from "../options.ts";
import { getVideo, postVideo, sendForVideo } from "./requests.ts";

export interface StartTimes {
  /** Milliseconds from each request to its answer. */
  readonly answered: number[];
  /** Milliseconds from each request to the worker's start, as in the receipt. */
  readonly begun: number[];
  /** Id of the last video, which is completed, and the key that created it. */
  readonly videoId: string;
  readonly key: string;
}

/** Number of warm-up jobs; the first of them load the model. */
const WARMUP = 2;
const POLL_MS = 50;
/** Pause after which the service is idle again. */
const PAUSE_MS = 300;

/**
 * Runs the local service like `npm start`, and sends it one job after another.
 *
 * @param checkout folder of the program
 */
export async function timeStart(folder: string, count: number, checkout = repository): Promise<StartTimes> {
  const service = spawn(process.execPath, ["--import", "tsx", "functions/local/start.ts"], {
    cwd: checkout,
    env: { ...process.env, PORT: "0", DATA_DIR: folder, LOG_LEVEL: "error" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const { port, key } = await greeting(service);
    const answered: number[] = [];
    const begun: number[] = [];
    let videoId = "";
    for (let index = 0; index < WARMUP + count; index++) {
      const sent = performance.now();
      let video = await sendForVideo(port, postVideo(key));
      const answer = performance.now() - sent;
      while (video.status === "queued" || video.status === "in_progress") {
        await sleep(POLL_MS);
        video = await sendForVideo(port, getVideo(key, video.id));
      }
      if (!video.compute) throw new Error(`The service could not make a video: ${video.error?.message}`);
      videoId = video.id;
      if (index >= WARMUP) {
        answered.push(answer);
        begun.push(video.compute.seconds.queue * 1000);
      }
      await sleep(PAUSE_MS);
    }
    return { answered, begun, videoId, key };
  } finally {
    service.kill("SIGTERM");
    if (service.exitCode === null) await once(service, "exit");
  }
}

/** Reads the port and the API key that the service prints once it listens. */
async function greeting(service: ChildProcess): Promise<{ port: number; key: string }> {
  let text = "";
  for await (const line of createInterface({ input: service.stdout! })) {
    text += `${line}\n`;
    const [, port] = /listens on http:\/\/[^:]+:(\d+)/.exec(text) ?? [];
    const [, key] = /ADAREEL_API_KEY=(\S+)/.exec(text) ?? [];
    if (port && key) return { port: Number(port), key };
  }
  throw new Error("The service ended before it listened; its own message says why.");
}
