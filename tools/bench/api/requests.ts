import * as z from "zod";
import type { Video } from "../../../functions/api/schemas/video.ts";
import { type HttpRequest, sendOnce } from "./http-load.ts";

/** Requests of an ordinary client, and the parts of the answers that it reads. */

/** Few denoising steps, so that measurements that wait for a video are short. */
const VIDEO = {
  prompt: "a red circle moves fast to the left over blue stripes",
  steps: 4,
  seed: 7,
  metadata: { customer: "c-1042", scene: "3" },
};

export function postVideo(key: string, headers: Readonly<Record<string, string>> = {}): HttpRequest {
  return { method: "POST", path: "/v1/videos", headers: { ...authorized(key), ...headers }, json: VIDEO };
}

export function getVideo(key: string, id: string): HttpRequest {
  return { method: "GET", path: `/v1/videos/${id}`, headers: authorized(key) };
}

/**
 * Sends a request whose answer is a video.
 *
 * @throws Error if the answer is not a video
 */
export async function sendForVideo(port: number, request: HttpRequest): Promise<Video> {
  const { status, body } = await sendOnce(port, request);
  if (status !== 200) throw new Error(`${request.method} was answered with ${status}: ${body}`);
  return JSON.parse(body) as Video;
}

/** Counts the videos in the key's list, up to a hundred. */
export async function countVideos(port: number, key: string): Promise<number> {
  const list = { method: "GET", path: "/v1/videos?limit=100", headers: authorized(key) } as const;
  const { body } = await sendOnce(port, list);
  return z.object({ data: z.array(z.unknown()) }).parse(JSON.parse(body)).data.length;
}

function authorized(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}
