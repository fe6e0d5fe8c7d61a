import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { duration } from "../plan/units.ts";
import type { SmokeOptions } from "./arguments.ts";

/** Fields of a video that the test looks at. The rest of the answer is not read. */
interface Video {
  readonly id: string;
  readonly status: string;
  readonly progress?: number;
  readonly error?: { readonly message: string } | null;
}

/** MP4 files begin with the size of a box and then its type. */
const MP4 = /^....ftyp/s;
const LONG_MS = 60_000;

/**
 * Orders a video, waits for it, and downloads it. Each step is one line.
 *
 * @throws Error that says which step failed, and what to do
 */
export async function smoke(options: SmokeOptions, print: (line: string) => void): Promise<void> {
  const { url, prompt, out } = options;
  const startedAt = Date.now();
  const since = () => duration((Date.now() - startedAt) / 1000);
  await ask(options, "/healthz");
  print(`ok       ${url}/healthz answers.`);
  const ordered = await videoIn(await ask(options, "/v1/videos", { prompt }));
  print(`ok       The key is taken, and the video ${ordered.id} is ordered.`);
  const video = await finished(ordered, options, (status) => print(`wait     ${status} after ${since()}`));
  if (video.status !== "completed")
    throw new Error(`The video is ${video.status}: ${video.error?.message ?? "no reason was given."}`);
  print(`ok       The video was there after ${since()}.`);
  const bytes = Buffer.from(await (await ask(options, `/v1/videos/${video.id}/content`)).arrayBuffer());
  if (!MP4.test(bytes.toString("latin1"))) throw new Error("What was downloaded is no MP4 file.");
  await mkdir(dirname(out), { recursive: true });
  await writeFile(out, bytes);
  print(`ok       ${out}, ${bytes.length} bytes.`);
  const stream = await (await ask(options, `/v1/videos/${video.id}/stream`)).text();
  if (!/^event: status$/m.test(stream)) throw new Error("The stream does not tell that the video has ended.");
  print("ok       The stream of the video tells its end.");
  print("The service works.");
}

/** Waits until a video is finished, and reports each change of its state. */
async function finished(
  ordered: Video,
  options: SmokeOptions,
  report: (status: string) => void,
): Promise<Video> {
  const until = Date.now() + options.minutes * 60_000;
  let video = ordered;
  let told = "";
  for (;;) {
    if (video.status === "completed" || video.status === "failed") return video;
    if (video.status !== told) report(video.status);
    told = video.status;
    if (Date.now() > until)
      throw new Error(
        `The video is still ${video.status} after ${options.minutes} min. It goes on: look at it again with ` +
          `curl ${options.url}/v1/videos/${video.id} -H "Authorization: Bearer $ADAREEL_API_KEY". In AWS, the table of ` +
          "alarms in docs/deploy.md says what keeps instances from starting.",
      );
    await sleep(options.pollSeconds * 1000);
    video = await videoIn(await ask(options, `/v1/videos/${ordered.id}`));
  }
}

async function videoIn(response: Response): Promise<Video> {
  return (await response.json()) as Video;
}

/** Sends a GET, or a POST with a body, and returns the answer if it is a success. */
async function ask({ url, key }: SmokeOptions, path: string, body?: object): Promise<Response> {
  const response = await fetch(url + path, {
    ...(body && { method: "POST", body: JSON.stringify(body) }),
    headers: { authorization: `Bearer ${key}`, ...(body && { "content-type": "application/json" }) },
    signal: AbortSignal.timeout(LONG_MS),
  }).catch((cause: Error) => {
    const reason = (cause.cause as NodeJS.ErrnoException | undefined)?.code ?? cause.name;
    throw new Error(`${url} does not answer (${reason}): is ADAREEL_URL the address that was printed?`, {
      cause,
    });
  });
  if (response.ok) return response;
  const text = await response.text();
  throw new Error(`${path} was answered with ${response.status}: ${messageIn(text)}`);
}

function messageIn(text: string): string {
  try {
    const { error, detail } = JSON.parse(text) as { error?: { message?: string }; detail?: string };
    return error?.message ?? detail ?? text;
  } catch {
    return text.slice(0, 200);
  }
}
