/** @typedef {import("./api.js").Video} Video */
/** @typedef {import("./api.js").Model} Model */
/** @typedef {import("./api.js").RequestFailure} RequestFailure */
import { keepKey, keptKey, request, takeKeyFromAddress } from "./api.js";
import { announce, byId, secondsText } from "./dom.js";
import { clearErrors, fillForm, offerModels, orderInForm, orderOf, showError, wireForm } from "./form.js";
import { listRecent } from "./recent.js";
import { showChart, showRaw, showResult } from "./result.js";

const POLL_MS = 400;
/** Pause before the next poll after a request without an answer. */
const RETRY_MS = 2000;

const STAGE_NAMES = /** @type {Record<string, string>} */ ({
  load: "Loading the model",
  encode: "Reading the prompt",
  denoise: "Denoising",
  decode: "Decoding the frames",
  write: "Writing the video",
});

const stage = /** @type {HTMLElement} */ (byId("stage-heading").closest("section"));

/** Video on the stage, and the controller that stops its polling when another video replaces it. */
let shown = { video: /** @type {Video | null} */ (null), replaced: new AbortController() };

/** Reads the key from its field, and shows the models and videos that it gives access to. */
async function useKey() {
  const field = /** @type {HTMLInputElement} */ (byId("key"));
  clearErrors();
  // The data of the previous key are removed before the new key is checked.
  byId("settings").toggleAttribute("disabled", true);
  byId("recent").replaceChildren();
  keepKey(field.value.trim());
  try {
    /** @type {{data: Model[]}} */
    const { data } = await request("GET", "/v1/models");
    offerModels(data);
    byId("key-state").textContent = "The key is accepted, and kept in this tab only.";
    if (!shown.video) byId("about").textContent = "Describe it, or begin with an example.";
    await listRecent(open);
  } catch (error) {
    showError(error);
  }
}

/**
 * Creates a video and shows it.
 *
 * @param {object} order
 * @param {(error: unknown) => void} refuse shows the error if the video is not created
 */
async function create(order, refuse) {
  clearErrors();
  const submit = /** @type {HTMLButtonElement} */ (document.querySelector("#order [type=submit]"));
  submit.disabled = true;
  try {
    show(await request("POST", "/v1/videos", { body: order }));
    void refreshRecent();
  } catch (error) {
    refuse(error);
  } finally {
    submit.disabled = false;
  }
}

/** @param {string} id */
async function open(id) {
  try {
    show(await request("GET", `/v1/videos/${id}`));
    byId("stage-heading").focus({ preventScroll: true });
  } catch (error) {
    fail(error);
  }
}

/**
 * Puts a video on the stage and polls it until it has ended.
 *
 * @param {Video} video
 */
function show(video) {
  shown.replaced.abort();
  shown = { video, replaced: new AbortController() };
  byId("result").hidden = true;
  byId("chart").replaceChildren();
  byId("figures").replaceChildren();
  byId("waiting").hidden = true;
  render(video);
  intoView();
  void follow(shown.replaced.signal);
}

/**
 * Polls the video on the stage until it has ended.
 *
 * @param {AbortSignal} signal
 */
async function follow(signal) {
  while (shown.video && !isOver(shown.video)) {
    const { video } = shown;
    let pauseMs = POLL_MS;
    try {
      const newest = /** @type {Video} */ (await request("GET", `/v1/videos/${video.id}`, { signal }));
      if (signal.aborted) return;
      shown.video = newest;
      render(newest);
      if (isOver(newest)) void refreshRecent();
    } catch (error) {
      if (signal.aborted) return;
      fail(error);
      // A service that restarts or is busy may answer the next poll; after other errors polling is pointless.
      const { status } = /** @type {RequestFailure} */ (error);
      if (status !== 0 && status < 500) return;
      pauseMs = RETRY_MS;
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (signal.aborted) return;
  }
}

/** @param {Video} video */
const isOver = ({ status }) => status === "completed" || status === "failed";

/** @param {Video} video */
function render(video) {
  const { params } = video;
  byId("stage-heading").textContent = video.prompt;
  byId("about").textContent = [
    video.model,
    video.size.replace("x", " × "),
    `${Number(video.seconds)} s`,
    `seed ${params.seed}`,
    `${params.steps} steps`,
    `guidance ${params.guidance_scale}`,
    `cache ${params.cache.policy}`,
    params.compare ? "compared" : "",
  ]
    .filter(Boolean)
    .join(" · ");
  byId("failure").hidden = true;
  const hadFocus = byId("progress").contains(document.activeElement);
  byId("progress").hidden = isOver(video);
  showRaw(video);
  if (!isOver(video)) return renderProgress(video);
  if (hadFocus) byId("stage-heading").focus({ preventScroll: true });
  if (video.status === "failed") {
    byId("failure").textContent = video.error?.message ?? "The video failed.";
    byId("failure").hidden = false;
    announce(byId("failure").textContent ?? "");
    return;
  }
  showResult(video);
  announce(`The video is ready, in ${secondsText(video.compute?.seconds.total ?? 0)}.`);
  showChart(video.id, shown.replaced.signal).catch(fail);
}

/** @param {Video} video */
function renderProgress({ status, stage: name, steps_done: done, progress, queue_position: before, params }) {
  const waiting = before ? `Queued behind ${before}` : "Queued";
  const text = status === "queued" ? waiting : (STAGE_NAMES[name ?? ""] ?? "Starting");
  const isDenoising = name === "denoise" && done !== null;
  byId("stage-name").textContent = text;
  byId("stage-detail").textContent = isDenoising ? `step ${done} of ${params.steps}` : "";
  const bar = /** @type {HTMLProgressElement} */ (byId("bar"));
  bar.value = progress;
  bar.setAttribute(
    "aria-valuetext",
    `${progress} %${isDenoising ? `, step ${done} of ${params.steps}` : ""}`,
  );
  announce(text);
}

/** @param {unknown} error */
function fail(error) {
  const { name, message } = /** @type {Error} */ (error);
  if (name === "AbortError") return;
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

const refreshRecent = () => listRecent(open).catch(fail);

async function cancel() {
  const { video, replaced } = shown;
  if (!video) return;
  try {
    const newest = /** @type {Video} */ (await request("POST", `/v1/videos/${video.id}/cancel`));
    if (replaced.signal.aborted) return;
    shown.video = newest;
    render(newest);
    void refreshRecent();
  } catch (error) {
    fail(error);
  }
}

async function copyCurl() {
  const button = byId("copy");
  const isCopied = await navigator.clipboard?.writeText(byId("curl").textContent ?? "").then(
    () => true,
    () => false,
  );
  // Without permission to write to the clipboard, the text is selected, so that the keyboard can copy it.
  if (!isCopied) getSelection()?.selectAllChildren(byId("curl"));
  button.textContent = isCopied ? "Copied" : "Selected: press Ctrl+C";
  announce(button.textContent);
  setTimeout(() => {
    button.textContent = "Copy";
  }, 2000);
}

wireForm();
byId("order").addEventListener("submit", (event) => {
  event.preventDefault();
  try {
    void create(orderInForm(), showError);
  } catch (error) {
    clearErrors();
    showError(error);
  }
});
byId("use-key").addEventListener("click", useKey);
byId("key").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  void useKey();
});
byId("cancel").addEventListener("click", cancel);
byId("compare").addEventListener("click", () => {
  if (shown.video) void create({ ...orderOf(shown.video), compare: true }, fail);
});
byId("reuse").addEventListener("click", () => {
  if (shown.video) fillForm(shown.video);
  byId("prompt").focus();
});
byId("copy").addEventListener("click", copyCurl);
byId("older").addEventListener("click", () => listRecent(open, { isOlder: true }).catch(fail));

const key = takeKeyFromAddress() ?? keptKey();
/** @type {HTMLInputElement} */ (byId("key")).value = key;
if (key) void useKey();
// A link with a key may be opened when the page is already open.
addEventListener("hashchange", () => {
  const given = takeKeyFromAddress();
  if (given === null) return;
  /** @type {HTMLInputElement} */ (byId("key")).value = given;
  void useKey();
});
