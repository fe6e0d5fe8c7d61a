import type { Video } from "../../functions/api/schemas/video.ts";
import { type Ordering, untilAnswered } from "./orders.ts";
import type { Receivers } from "./receivers.ts";

/** Number of webhooks of the quiet tenant that are timed. */
const TIMED = 100;
/** Events of a video that is cancelled at once: queued, and its end. */
const EVENTS_PER_VIDEO = 2;
const LANES = 8;
/** Ends of a video that is cancelled at once: a fast worker may complete it before. */
const ENDS = ["video.failed", "video.completed"];

/**
 * Times one tenant's webhooks while another tenant's deliveries go to receivers that never answer.
 *
 * @param silent number of such deliveries that are due when the first webhook is timed
 * @returns milliseconds from the request that causes a webhook to its arrival
 */
export async function timeNeighbours(
  ordering: Ordering,
  receivers: Pick<Receivers, "url" | "arrival">,
  silent: number,
): Promise<number[]> {
  if (silent === 0) return [];
  let made = 0;
  const lane = async () => {
    while (made * EVENTS_PER_VIDEO < silent) {
      made += 1;
      await cancelled(ordering, "loud", receivers.url("silent"));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  const times: number[] = [];
  for (let count = 0; count < TIMED; count += 1) {
    const { id, askedAt } = await cancelled(ordering, "quiet", receivers.url("good"));
    times.push((await receivers.arrival(id, ENDS)).at - askedAt);
  }
  return times;
}

/** Orders a video and cancels it at once. */
async function cancelled(ordering: Ordering, tenant: "loud" | "quiet", url: string) {
  const key = ordering.keys[tenant];
  const request = { prompt: "a red circle", webhook_url: url, webhook_events: ["video.queued", ...ENDS] };
  const { id } = await untilAnswered<Video>(ordering, key, "POST", "/v1/videos", request);
  const askedAt = performance.now();
  await untilAnswered(ordering, key, "POST", `/v1/videos/${id}/cancel`);
  return { id, askedAt };
}
