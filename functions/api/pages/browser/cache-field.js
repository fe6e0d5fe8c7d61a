/** @typedef {import("./api.js").Video} Video */
import { RequestFailure } from "./api.js";
import { control, form, numberIn } from "./controls.js";
import { byId } from "./dom.js";

/** Returns the radio buttons of the policies. */
function choices() {
  return /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("[name=policy]"));
}

/** Returns the meaning and the options of the chosen policy. */
function chosen() {
  const { meaning = "", options = "" } = [...choices()].find(({ checked }) => checked)?.dataset ?? {};
  return { meaning, options: options.split(" ") };
}

/** Shows the controls of the chosen policy. */
function show() {
  const { meaning, options } = chosen();
  byId("cache-meaning").textContent = meaning;
  byId("cache-own").hidden = control("policy").value !== "own";
  byId("cache-details").hidden = !options.includes("warmup");
  byId("motion-label").hidden = !options.includes("motion");
}

/**
 * Reads the cache setting from the form.
 *
 * @throws {RequestFailure} for a codebook that is not JSON
 */
function read() {
  const warmup = numberIn(control("cache.warmup_steps"));
  const policy = control("policy").value;
  const { options } = chosen();
  if (!options.includes("warmup")) return policy;
  const isRegularised = /** @type {HTMLInputElement} */ (byId("motion")).checked;
  const details = {
    ...(options.includes("motion") && { motion_regularisation: isRegularised }),
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
  const isNamed = [...choices()].some(({ value }) => value === policy);
  control("policy").value = codebook ? "own" : isNamed ? policy : "auto";
  control("cache.warmup_steps").value = String(warmup_steps);
  if (codebook) control("cache.codebook").value = JSON.stringify(codebook, null, 1);
  /** @type {HTMLInputElement} */ (byId("motion")).checked = motion_regularisation !== false;
  show();
}

function wire() {
  for (const radio of choices()) radio.addEventListener("change", show);
  show();
}

/** Group of controls that make up the cache setting. */
export const cacheField = { name: "cache", wire, read, askedFor, fill };
