/** @typedef {import("./api.js").Video} Video */
/** @typedef {import("../../schemas/video-stream.ts").ProgressEvent} Progress */
/** @typedef {import("../../schemas/video-stream.ts").PreviewEvent} Preview */
import { announce, byId, element } from "./dom.js";

const STAGE_NAMES = /** @type {Record<string, string>} */ ({
  load: "Loading the model",
  encode: "Reading the prompt",
  denoise: "Denoising",
  decode: "Decoding the frames",
  write: "Writing the video",
});

/** Number of steps whose bars have no room for gaps. */
const DENSE_STEPS = 60;

/** Knowledge of the page about the video's making. `taken` has one character a step: `c` computed, `r` reused. */
let known = { id: "", attempt: 0, taken: "", steps: 0, url: "" };

const nothing = { id: "", attempt: 0, taken: "", steps: 0, url: "" };

/** Forgets the video before, and its picture. */
export function clearProgress() {
  if (known.url) URL.revokeObjectURL(known.url);
  known = { ...nothing };
  for (const part of ["preview", "preview-picture", "taken"]) byId(part).hidden = true;
  byId("taken").replaceChildren();
  byId("preview-picture").removeAttribute("src");
}

/**
 * Shows how far a video is, as GET answers it.
 *
 * @param {Video} video
 */
export function showVideoProgress(video) {
  const { id, attempts, size, params, stage, steps_done: done, progress } = video;
  if (known.id !== id || known.attempt !== attempts) {
    clearProgress();
    known = { ...known, id, attempt: attempts, steps: params.steps * (params.compare ? 2 : 1) };
  }
  const [width, height] = size.split("x");
  byId("preview").style.aspectRatio = `${width} / ${height}`;
  byId("preview").classList.toggle("compared", params.compare);
  // The place is there before the picture, so that nothing moves when it comes.
  byId("preview").hidden = video.status === "queued" || !params.preview;
  tell({
    stage,
    position: video.queue_position,
    isQueued: video.status === "queued",
    done,
    percent: progress,
    secondsLeft: video.seconds_left,
  });
  byId("taken").hidden = video.status === "queued";
  drawStrip();
}

/**
 * Shows what a stream tells of a video's making.
 *
 * @param {Progress} progress
 */
export function showProgress({
  status,
  stage,
  steps,
  steps_done: done,
  taken,
  seconds_left: secondsLeft,
  ...rest
}) {
  known.steps = steps ?? known.steps;
  for (const { step, computed } of taken)
    if (step === known.taken.length + 1) known.taken += computed ? "c" : "r";
  const percent = Math.floor((90 * (done ?? 0)) / Math.max(known.steps, 1));
  const isQueued = status === "queued";
  tell({ stage, position: rest.queue_position, isQueued, done, percent, secondsLeft });
  drawStrip();
}

/** @param {Preview} preview */
export async function showPreview({ data }) {
  const { id, attempt } = known;
  const bytes = Uint8Array.from(atob(data.slice(data.indexOf(",") + 1)), (each) => each.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type: "image/webp" }));
  const picture = /** @type {HTMLImageElement} */ (byId("preview-picture"));
  // Decoded before it is shown, so that the one before does not give way to nothing.
  const next = new Image();
  next.src = url;
  const isShowable = await next.decode().then(
    () => known.id === id && known.attempt === attempt,
    () => false,
  );
  if (!isShowable) return URL.revokeObjectURL(url);
  if (known.url) URL.revokeObjectURL(known.url);
  known.url = url;
  picture.src = url;
  picture.hidden = false;
}

/**
 * @param {object} state
 * @param {string | null} state.stage
 * @param {number | null} state.position
 * @param {boolean} state.isQueued
 * @param {number | null} state.done
 * @param {number} state.percent
 * @param {number | null | undefined} state.secondsLeft
 */
function tell({ stage, position, isQueued, done, percent, secondsLeft }) {
  const waiting = position ? `Queued behind ${position}` : "Queued";
  const text = isQueued ? waiting : (STAGE_NAMES[stage ?? ""] ?? "Starting");
  const isDenoising = stage === "denoise" && done !== null;
  const left = secondsLeft === null || secondsLeft === undefined ? "" : aboutLeft(secondsLeft);
  const detail = [isDenoising ? `step ${done} of ${known.steps}` : "", left].filter(Boolean).join(" · ");
  tellProgress(text, detail, false);
  const bar = /** @type {HTMLProgressElement} */ (byId("bar"));
  bar.value = Math.max(percent, stage === "decode" ? 92 : stage === "write" ? 97 : 0);
  bar.setAttribute("aria-valuetext", [`${bar.value} %`, detail].filter(Boolean).join(", "));
  announce(text);
}

/** @param {number} seconds */
function aboutLeft(seconds) {
  if (seconds < 90) return `about ${Math.max(1, Math.round(seconds))}\u00a0s left`;
  return `about ${Math.round(seconds / 60)}\u00a0min left`;
}

/** Draws a bar for each step: computed, reused, or to come. */
function drawStrip() {
  const strip = byId("taken");
  strip.classList.toggle("dense", known.steps > DENSE_STEPS);
  while (strip.children.length > known.steps) strip.lastChild?.remove();
  while (strip.children.length < known.steps) strip.append(element("i"));
  for (const [index, bar] of [...strip.children].entries())
    bar.className = { c: "computed", r: "reused" }[known.taken[index] ?? ""] ?? "";
}

/**
 * @param {string} text
 * @param {string} detail
 * @param {boolean} isStalled
 */
export function tellProgress(text, detail, isStalled) {
  byId("stage-name").textContent = text;
  byId("stage-detail").textContent = detail;
  byId("progress").classList.toggle("stalled", isStalled);
}
