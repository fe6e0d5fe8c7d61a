/** @typedef {import("./api.js").Video} Video */
/** @typedef {import("./api.js").VideoEvents} VideoEvents */
/** @typedef {VideoEvents["webhooks"][number]} WebhookEvent */
/** @typedef {NonNullable<WebhookEvent["deliveries"]>[number]} Delivery */
import { isPassing, request } from "./api.js";
import { byId, clockTime, element } from "./dom.js";
import { isOver, sleep } from "./follow.js";

/** Seconds until each further look at deliveries that are still due. The last one repeats. */
const LOOK_SECONDS = [1, 2, 3, 5, 10, 30];

const STATES = {
  pending: "waiting",
  delivered: "delivered",
  failed: "given up",
  disabled: "endpoint disabled",
};

/** Reasons for which an attempt had no answer, in words. */
const REASONS = /** @type {Record<string, string>} */ ({
  invalid_url: "no URL for webhooks",
  blocked_address: "the address is not public",
  dns: "the host has no address",
  connect: "no connection",
  tls: "the certificate is not accepted",
  timeout: "no answer in time",
  reset: "the connection broke",
});

/** Ends the looking at deliveries that are shown no longer. */
let looking = new AbortController();

/**
 * Shows who is told of a video by webhook, and every attempt. Looks again until nothing is due.
 *
 * @param {Video} video
 * @param {AbortSignal} isReplaced
 * @param {(error: unknown) => void} fail
 */
export async function showDeliveries(video, isReplaced, fail) {
  looking.abort();
  looking = new AbortController();
  const signal = AbortSignal.any([isReplaced, looking.signal]);
  try {
    for (let looks = 0; !signal.aborted; looks++) {
      const events = await look(video, signal);
      if (signal.aborted) return;
      if (events) draw(video, events, (id) => redeliver(video, id, isReplaced, fail));
      if (events && !events.some(isDue)) return;
      await sleep(1000 * (LOOK_SECONDS[looks] ?? LOOK_SECONDS.at(-1) ?? 1));
    }
  } catch (error) {
    fail(error);
  }
}

/**
 * Has an event delivered again, and shows how that goes.
 *
 * @param {Video} video
 * @param {string} eventId
 * @param {AbortSignal} signal
 * @param {(error: unknown) => void} fail
 */
async function redeliver(video, eventId, signal, fail) {
  const path = `/v1/videos/${video.id}/webhooks/redeliver`;
  await request("POST", path, { body: { event_id: eventId }, signal }).catch(fail);
  await showDeliveries(video, signal, fail);
}

/**
 * Returns the events of a video; null if the service does not answer now.
 *
 * @param {Video} video
 * @param {AbortSignal} signal
 */
async function look({ id }, signal) {
  try {
    /** @type {VideoEvents} */
    const { webhooks } = await request("GET", `/v1/videos/${id}/events`, { signal });
    return webhooks;
  } catch (error) {
    if (isPassing(error)) return null;
    throw error;
  }
}

/** @param {WebhookEvent} event */
const isDue = ({ deliveries }) => deliveries === null || deliveries.some(({ state }) => state === "pending");

/**
 * @param {Video} video
 * @param {readonly WebhookEvent[]} events
 * @param {(eventId: string) => void} deliverAgain
 */
function draw(video, events, deliverAgain) {
  const told = events.flatMap((event) =>
    (event.deliveries ?? []).map((delivery) => line(event, delivery, deliverAgain)),
  );
  const { webhook_url: url, webhook_events: names } = video.params;
  const isExpected = url !== null && !isOver(video);
  if (isExpected && told.length === 0) {
    told.push(
      element("li", {}, element("code", {}, url), ` will be told of ${(names ?? []).join(" and ")}.`),
    );
  }
  byId("webhooks").hidden = told.length === 0;
  byId("deliveries").replaceChildren(...told);
}

/**
 * @param {WebhookEvent} event
 * @param {Delivery} delivery
 * @param {(eventId: string) => void} deliverAgain
 */
function line({ id, type }, { url, state, attempts, next_attempt_at: next }, deliverAgain) {
  const again = element("button", { type: "button", className: "quiet" }, "Deliver again");
  again.setAttribute("aria-label", `Deliver ${type} again to ${url}`);
  again.hidden = state === "pending";
  again.onclick = () => {
    again.hidden = true;
    deliverAgain(id);
  };
  const due =
    state === "pending" && next !== null && attempts.length > 0 ? `, next try at ${clockTime(next)}` : "";
  const head = element(
    "p",
    {},
    element("b", { className: state }, `${STATES[state]}${due}`),
    " ",
    type,
    again,
  );
  const tries = attempts.map(({ at, status, reason, milliseconds }) =>
    element(
      "li",
      {},
      [
        clockTime(at),
        status ?? REASONS[reason ?? ""] ?? reason ?? "no answer",
        `${milliseconds}\u00a0ms`,
      ].join(" · "),
    ),
  );
  return element("li", {}, head, element("code", {}, url), element("ol", { className: "faint" }, ...tries));
}
