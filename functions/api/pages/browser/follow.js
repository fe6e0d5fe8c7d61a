/** @typedef {import("./api.js").Video} Video */
import { isPassing, request } from "./api.js";

const POLL_MS = 400;

/** Seconds until each further try after requests without an answer. The last one repeats. */
const RETRY_SECONDS = [2, 3, 5, 10];

/** @param {Video} video */
export const isOver = ({ status }) => status === "completed" || status === "failed";

/** @param {number} milliseconds */
export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Polls a video until it has ended or `signal` is aborted. While the service does not answer, it tries again.
 *
 * @param {string} id
 * @param {AbortSignal} signal
 * @param {(video: Video) => void} news
 * @param {(error: Error, secondsLeft: number) => void} stalled called every second until the next try
 * @throws {RequestFailure} if asking again cannot help, as for a video that was deleted
 */
export async function follow(id, signal, news, stalled) {
  for (let failures = 0; !signal.aborted; ) {
    try {
      const video = /** @type {Video} */ (await request("GET", `/v1/videos/${id}`, { signal }));
      if (signal.aborted) return;
      failures = 0;
      news(video);
      if (isOver(video)) return;
      await sleep(POLL_MS);
    } catch (error) {
      if (signal.aborted) return;
      if (!isPassing(error)) throw error;
      const seconds = RETRY_SECONDS[failures++] ?? RETRY_SECONDS.at(-1) ?? 1;
      for (let left = seconds; left > 0 && !signal.aborted; left--) {
        stalled(/** @type {Error} */ (error), left);
        await sleep(1000);
      }
    }
  }
}
