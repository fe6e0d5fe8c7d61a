/** @typedef {import("./api.js").Video} Video */
/** @typedef {import("./api.js").Model} Model */
import { RequestFailure } from "./api.js";
import { byId, element } from "./dom.js";

const MEANINGS = {
  auto: "The service chooses which steps to compute: fast, with motion regularisation.",
  fast: "AdaCache's fast codebook: reuses the most steps.",
  slow: "AdaCache's slow codebook: reuses fewer steps, and stays closer to the video without cache.",
  off: "Computes every denoising step.",
  own: "A codebook of yours: rows of ascending distance.",
};

const form = /** @type {HTMLFormElement} */ (byId("order"));

/**
 * The control of this name, or a radio group.
 *
 * @param {string} name
 */
const control = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

/** @type {readonly Model[]} */
let models = [];

/** @param {readonly Model[]} offered */
export function offerModels(offered) {
  models = offered;
  const chosen = control("model").value;
  fill(
    "model",
    offered.map(({ id }) => [id, id]),
  );
  if (offered.some(({ id }) => id === chosen)) control("model").value = chosen;
  offerShapes();
  byId("settings").removeAttribute("disabled");
}

/** What the chosen model makes, its defaults chosen. */
function offerShapes() {
  const model = models.find(({ id }) => id === control("model").value);
  if (!model) return;
  fill(
    "size",
    model.sizes.map((size) => [size, size.replace("x", " × ")]),
  );
  fill(
    "fps",
    model.fps.map((fps) => [String(fps), `${fps} fps`]),
  );
  fill(
    "num_frames",
    model.num_frames.map((frames) => [String(frames), ""]),
  );
  tellLengths();
  control("steps").value = String(model.steps);
  control("guidance_scale").value = String(model.guidance_scale);
}

/** Frames are what a model makes; seconds are what people mean. */
function tellLengths() {
  const fps = Number(control("fps").value);
  for (const option of control("num_frames").querySelectorAll("option")) {
    const seconds = Number((Number(option.value) / fps).toFixed(2));
    option.textContent = `${seconds} s (${option.value} frames)`;
  }
}

/**
 * @param {string} name
 * @param {readonly (readonly [value: string, text: string])[]} options
 */
function fill(name, options) {
  control(name).replaceChildren(
    ...options.map(([value, textContent]) => element("option", { value, textContent })),
  );
}

function showCache() {
  const policy = /** @type {keyof typeof MEANINGS} */ (control("policy").value);
  byId("cache-meaning").textContent = MEANINGS[policy];
  byId("cache-own").hidden = policy !== "own";
  byId("cache-details").hidden = policy === "auto" || policy === "off";
}

function drawSeed() {
  control("seed").value = String(crypto.getRandomValues(new Uint32Array(1))[0]);
}

/** Lets the parts of the form act on each other. */
export function wireForm() {
  control("model").addEventListener("change", offerShapes);
  control("fps").addEventListener("change", tellLengths);
  byId("draw").addEventListener("click", drawSeed);
  for (const radio of form.querySelectorAll("[name=policy]")) radio.addEventListener("change", showCache);
  for (const chip of form.querySelectorAll("[data-example]")) {
    chip.addEventListener("click", () => {
      control("prompt").value = chip.textContent ?? "";
      control("prompt").focus();
    });
  }
  showCache();
}

/**
 * The request that the form describes; what was left empty is left out.
 *
 * @throws {RequestFailure} for a codebook that is not JSON
 */
export function orderInForm() {
  /** @param {string} name */
  const text = (name) => control(name).value.trim() || undefined;
  /** What is no number goes as it is, to be refused in words. @param {string} name */
  const number = (name) => {
    const entered = control(name);
    if (entered.validity.badInput) throw new RequestFailure("Enter a number.", { status: 400, param: name });
    return entered.value === "" ? undefined : Number(entered.value);
  };
  return {
    prompt: control("prompt").value,
    negative_prompt: text("negative_prompt"),
    model: text("model"),
    size: text("size"),
    num_frames: number("num_frames"),
    fps: number("fps"),
    steps: number("steps"),
    guidance_scale: number("guidance_scale"),
    seed: number("seed"),
    cache: cacheInForm(number("cache.warmup_steps")),
  };
}

/** @param {number | undefined} warmup */
function cacheInForm(warmup) {
  const policy = control("policy").value;
  if (policy === "auto" || policy === "off") return policy;
  const details = {
    motion_regularisation: /** @type {HTMLInputElement} */ (byId("motion")).checked,
    warmup_steps: warmup,
  };
  if (policy !== "own") return { policy, ...details };
  try {
    return { codebook: JSON.parse(control("cache.codebook").value), ...details };
  } catch (error) {
    const reason = /** @type {Error} */ (error).message;
    throw new RequestFailure(`The codebook is not JSON: ${reason}`, { status: 400, param: "cache.codebook" });
  }
}

/**
 * The request that makes a video again, its seed and every default written out.
 *
 * @param {Video} video
 */
export function orderOf({ model, prompt, size, params }) {
  const { num_frames, fps, steps, guidance_scale, negative_prompt, seed, cache } = params;
  const { policy, codebook, ...details } = cache;
  return {
    prompt,
    ...(negative_prompt !== null && { negative_prompt }),
    model,
    size,
    num_frames,
    fps,
    steps,
    guidance_scale,
    seed,
    cache: policy === "off" ? "off" : { ...(codebook ? { codebook } : { policy }), ...details },
  };
}

/**
 * Puts what made a video into the form.
 *
 * @param {Video} video
 */
export function fillForm({ model, prompt, size, params }) {
  const { cache } = params;
  if (models.some(({ id }) => id === model)) control("model").value = model;
  offerShapes();
  const isNamed = ["fast", "slow", "off"].includes(cache.policy);
  const values = {
    prompt: prompt ?? "",
    negative_prompt: params.negative_prompt ?? "",
    size,
    fps: params.fps,
    num_frames: params.num_frames,
    steps: params.steps,
    guidance_scale: params.guidance_scale,
    seed: params.seed,
    policy: cache.codebook ? "own" : isNamed ? cache.policy : "auto",
    "cache.warmup_steps": cache.warmup_steps,
    ...(cache.codebook && { "cache.codebook": JSON.stringify(cache.codebook, null, 1) }),
  };
  for (const [name, value] of Object.entries(values)) control(name).value = String(value);
  /** @type {HTMLInputElement} */ (byId("motion")).checked = cache.motion_regularisation !== false;
  tellLengths();
  showCache();
  clearErrors();
}

export function clearErrors() {
  for (const error of form.querySelectorAll(".error")) error.toggleAttribute("hidden", true);
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

/**
 * Shows a failure next to the field that it is about, or else at the button.
 *
 * @param {unknown} error
 */
export function showError(error) {
  const { message, param = null } = /** @type {RequestFailure} */ (error);
  // `cache.codebook.0.rate` is told at the codebook.
  for (let name = param ?? ""; name !== ""; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
    const place = document.getElementById(`${name}-error`);
    if (!place) continue;
    place.textContent = message;
    place.hidden = false;
    const field = document.getElementById(name);
    field?.setAttribute("aria-invalid", "true");
    field?.focus();
    return;
  }
  byId("order-error").textContent = message;
  byId("order-error").hidden = false;
}
