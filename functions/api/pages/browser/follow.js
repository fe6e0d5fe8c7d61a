/** @typedef {import("./api.js").Video} Video */
/** @typedef {import("../../schemas/video-stream.ts").ProgressEvent} Progress */
/** @typedef {import("../../schemas/video-stream.ts").PreviewEvent} Preview */
/**
 * Listeners to the news of a video.
 *
 * @typedef {object} Listeners
 * @property {(video: Video) => void} video
 * @property {(progress: Progress) => void} progress
 * @property {(preview: Preview) => void} preview
 * @property {(error: Error, secondsLeft: number) => void} stalled called every second until the next try
 */
import { isPassing, RequestFailure, request, requestStream } from "./api.js";
import { eventsOf } from "./events.js";

const POLL_MS = 400;

/** Seconds until each further try after requests without an answer. The last one repeats. */
const RETRY_SECONDS = [2, 3, 5, 10];

/** @param {Video} video */
export const isOver = ({ status }) => status === "completed" || status === "failed";

/** @param {number} milliseconds */
export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Follows a video by its stream until it has ended or `signal` is aborted. Where there is no stream, such as behind a
 * proxy without them, it polls. While the service does not answer, it tries again, and goes on where it was.
 *
 * @param {string} id
 * @param {AbortSignal} signal
 * @param {Listeners} listeners
 * @throws {RequestFailure} if asking again cannot help, as for a video that was deleted
 */
export async function follow(id, signal, listeners) {
  const place = { lastId: "", retryMs: 1000, isStreamed: true };
  for (let failures = 0; !signal.aborted; ) {
    try {
      const isEnd = place.isStreamed
        ? await readStream(id, signal, place, listeners)
        : await poll(id, signal, listeners);
      if (isEnd) return;
      failures = 0;
      await sleep(place.isStreamed ? place.retryMs : POLL_MS);
    } catch (error) {
      if (signal.aborted) return;
      if (isRefusedStream(error)) {
        place.isStreamed = false;
        continue;
      }
      if (!isPassing(error)) throw error;
      const seconds = RETRY_SECONDS[failures++] ?? RETRY_SECONDS.at(-1) ?? 1;
      for (let left = seconds; left > 0 && !signal.aborted; left--) {
        listeners.stalled(/** @type {Error} */ (error), left);
        await sleep(1000);
      }
    }
  }
}

/**
 * Returns whether there are too many streams, or the answer was none: both leave polling.
 *
 * @param {unknown} error
 */
const isRefusedStream = (error) =>
  error instanceof RequestFailure && (error.status === 429 || error.status === 200);

/**
 * Reads a stream until it closes. Returns whether the video has ended.
 *
 * @param {string} id
 * @param {AbortSignal} signal
 * @param {{lastId: string, retryMs: number}} place
 * @param {Listeners} listeners
 */
async function readStream(id, signal, place, listeners) {
  const body = await requestStream(`/v1/videos/${id}/stream`, place.lastId, signal);
  if (body === null) return true;
  let isEnd = false;
  const setRetry = (/** @type {number} */ retryMs) => {
    place.retryMs = retryMs;
  };
  try {
    for await (const { event, id: eventId, data } of eventsOf(body, setRetry)) {
      if (signal.aborted) return true;
      place.lastId = eventId;
      const told = JSON.parse(data);
      if (event === "deleted") throw new RequestFailure("This video was deleted.", { status: 404 });
      if (event === "status") listeners.video(told);
      if (event === "progress") listeners.progress(told);
      if (event === "preview") listeners.preview(told);
      isEnd = event === "status" && isOver(told);
    }
  } catch (error) {
    if (error instanceof RequestFailure || signal.aborted) throw error;
    throw new RequestFailure("The service does not answer.", { status: 0 });
  }
  return isEnd;
}

/**
 * Asks for a video once. Returns whether it has ended.
 *
 * @param {string} id
 * @param {AbortSignal} signal
 * @param {Listeners} listeners
 */
async function poll(id, signal, listeners) {
  const video = /** @type {Video} */ (await request("GET", `/v1/videos/${id}`, { signal }));
  if (signal.aborted) return true;
  listeners.video(video);
  return isOver(video);
}
