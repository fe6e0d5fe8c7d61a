/** @typedef {import("./api.js").Video} Video */
import { putInAddress } from "./address.js";
import { isGivenUp, request } from "./api.js";
import { showChart } from "./chart.js";
import { showDeliveries } from "./deliveries.js";
import { announce, byId, secondsText } from "./dom.js";
import { follow, isOver } from "./follow.js";
import { putHeading } from "./heading.js";
import { clearProgress, showPreview, showProgress, showVideoProgress, tellProgress } from "./progress.js";
import { markOpen, refreshRecent } from "./recent.js";
import { showRequestCode } from "./request-code.js";
import { aboutOf, showResult } from "./result.js";

/** Parts of the stage that only some videos and states have. */
const PARTS = [
  "progress",
  "remark",
  "failure",
  "film",
  "actions",
  "computed",
  "webhooks",
  "raw",
  "unknown-words",
];

const TITLE = document.title;

const stage = /** @type {HTMLElement} */ (byId("stage-heading").closest("section"));

/** Video on the stage, and the controller that stops what is going on for it when something replaces it. */
let shown = { video: /** @type {Video | null} */ (null), replaced: new AbortController() };

export const shownVideo = () => shown.video;

/** @param {Video | null} video */
function replaceWith(video) {
  shown.replaced.abort();
  shown = { video, replaced: new AbortController() };
  return shown.replaced.signal;
}

/**
 * Opens the video with this id, or says that there is none.
 *
 * @param {string} id
 */
export async function open(id) {
  const signal = replaceWith(null);
  markOpen(id);
  try {
    const video = /** @type {Video} */ (
      await request("GET", `/v1/videos/${encodeURIComponent(id)}`, { signal })
    );
    if (signal.aborted) return;
    show(video);
    byId("stage-heading").focus({ preventScroll: true });
  } catch (error) {
    if (signal.aborted) return;
    const isMissing = /** @type {import("./api.js").RequestFailure} */ (error).status === 404;
    if (isMissing) clear("There is no such video", "It was deleted, or belongs to another key.");
    else {
      clear("The video cannot be shown", "");
      fail(error);
    }
  }
}

/**
 * Puts a video on the stage, gives the page its address, and follows it until it has ended.
 *
 * @param {Video} video
 */
export function show(video) {
  const signal = replaceWith(video);
  putInAddress(video.id);
  markOpen(video.id);
  document.title = video.prompt ? `${video.prompt.slice(0, 60)} · Adareel` : TITLE;
  for (const part of [...PARTS, "waiting"]) byId(part).hidden = true;
  byId("chart").replaceChildren();
  byId("figures").replaceChildren();
  clearProgress();
  render(video);
  intoView();
  if (isOver(video)) return;
  void showDeliveries(video, signal, fail);
  const guarded = (/** @type {(told: any) => void} */ listener) => (/** @type {any} */ told) => {
    if (!signal.aborted) listener(told);
  };
  follow(video.id, signal, {
    video: guarded(render),
    progress: guarded(showProgress),
    preview: guarded(showPreview),
    stalled: tellStalled,
  }).catch(endWithout);
}

/**
 * Empties the stage.
 *
 * @param {string} heading
 * @param {string} about
 */
export function clear(heading, about) {
  replaceWith(null);
  markOpen(null);
  document.title = TITLE;
  for (const part of PARTS) byId(part).hidden = true;
  byId("waiting").hidden = false;
  putHeading(heading);
  byId("about").textContent = about;
}

/**
 * Ends the showing of a video that was deleted elsewhere.
 *
 * @param {string} id
 */
export function clearIfShown(id) {
  if (shown.video?.id === id) end("This video was deleted.");
}

/**
 * Ends what goes on for the video on the stage, and says why.
 *
 * @param {string} sentence
 */
export function end(sentence) {
  const prompt = shown.video?.prompt;
  if (prompt === undefined) return;
  replaceWith(null);
  for (const part of PARTS) byId(part).hidden = true;
  byId("remark").textContent = sentence;
  byId("remark").hidden = false;
  announce(sentence);
}

/** @param {unknown} error that following met and that no further try can mend */
function endWithout(error) {
  const { status, message } = /** @type {import("./api.js").RequestFailure} */ (error);
  if (status === 404) {
    end("This video was deleted.");
    void refreshRecent();
  } else if (status !== 401) end(message);
}

/** @param {Video} video */
function render(video) {
  shown.video = video;
  putHeading(video.prompt ?? "");
  byId("about").textContent = aboutOf(video);
  byId("failure").hidden = true;
  const hadFocus = byId("progress").contains(document.activeElement);
  byId("progress").hidden = isOver(video);
  byId("actions").hidden = !isOver(video);
  showRequestCode(video);
  if (!isOver(video)) return showVideoProgress(video);
  clearProgress();
  if (hadFocus) byId("stage-heading").focus({ preventScroll: true });
  renderEnd(video);
}

/** @param {Video} video */
function renderEnd(video) {
  const { signal } = shown.replaced;
  for (const action of ["compare", "download"]) byId(action).hidden = true;
  void refreshRecent();
  void showDeliveries(video, signal, fail);
  if (video.status === "failed") {
    // A cancelled video did what was asked of it.
    const isCancelled = video.error?.code === "canceled";
    const place = byId(isCancelled ? "remark" : "failure");
    place.textContent = isCancelled
      ? "This video was cancelled."
      : (video.error?.message ?? "The video failed.");
    place.hidden = false;
    announce(place.textContent ?? "");
    return;
  }
  showResult(video);
  announce(`The video is ready, in ${secondsText(video.compute?.seconds.total ?? 0)}.`);
  showChart(video.id, signal, fail);
}

/**
 * @param {Error} error
 * @param {number} secondsLeft
 */
function tellStalled({ message }, secondsLeft) {
  tellProgress(message, `trying again in ${secondsLeft} s`, true);
  announce(`${message} Trying again.`);
}

/** @param {unknown} error */
export function fail(error) {
  const { message, status } = /** @type {import("./api.js").RequestFailure} */ (error);
  // The field of the key tells of a refused key.
  if (isGivenUp(error) || status === 401) return;
  byId("failure").textContent = message;
  byId("failure").hidden = false;
}

/** Scrolls to the stage, which lies below the form on narrow screens. */
function intoView() {
  const { top } = stage.getBoundingClientRect();
  if (top >= 0 && top < innerHeight / 2) return;
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  stage.scrollIntoView({ behavior: isStill ? "auto" : "smooth" });
}

/** Cancels the video on the stage. */
export async function cancel() {
  const { video, replaced } = shown;
  if (!video) return;
  try {
    const newest = /** @type {Video} */ (await request("POST", `/v1/videos/${video.id}/cancel`));
    if (!replaced.signal.aborted) show(newest);
  } catch (error) {
    fail(error);
  }
}
