/** @typedef {import("./api.js").Video} Video */
import { RequestFailure } from "./api.js";
import { control, form, numberIn } from "./controls.js";
import { byId } from "./dom.js";

const MEANINGS = {
  auto: "The service chooses which steps to compute: fast, with motion regularisation.",
  fast: "AdaCache's fast codebook: reuses the most steps.",
  slow: "AdaCache's slow codebook: reuses fewer steps, and stays closer to the video without cache.",
  off: "Computes every denoising step.",
  own: "A codebook of yours: rows of ascending distance.",
};

/** Shows the controls of the chosen policy. */
function show() {
  const policy = /** @type {keyof typeof MEANINGS} */ (control("policy").value);
  byId("cache-meaning").textContent = MEANINGS[policy];
  byId("cache-own").hidden = policy !== "own";
  byId("cache-details").hidden = policy === "auto" || policy === "off";
}

/**
 * Reads the cache setting from the form.
 *
 * @throws {RequestFailure} for a codebook that is not JSON
 */
function read() {
  const warmup = numberIn(control("cache.warmup_steps"));
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
 * Returns the cache setting of a video in the form of a request.
 *
 * @param {Video} video
 */
function askedFor({ params }) {
  const { policy, codebook, ...details } = params.cache;
  return policy === "off" ? "off" : { ...(codebook ? { codebook } : { policy }), ...details };
}

/**
 * Fills the form with the cache setting of a video.
 *
 * @param {Video} video
 */
function fill({ params }) {
  const { policy, codebook, motion_regularisation, warmup_steps } = params.cache;
  const isNamed = ["fast", "slow", "off"].includes(policy);
  control("policy").value = codebook ? "own" : isNamed ? policy : "auto";
  control("cache.warmup_steps").value = String(warmup_steps);
  if (codebook) control("cache.codebook").value = JSON.stringify(codebook, null, 1);
  /** @type {HTMLInputElement} */ (byId("motion")).checked = motion_regularisation !== false;
  show();
}

function wire() {
  for (const radio of form.querySelectorAll("[name=policy]")) radio.addEventListener("change", show);
  show();
}

/** Group of controls that make up the cache setting. */
export const cacheField = { name: "cache", wire, read, askedFor, fill };
