/** @typedef {import("./api.js").Video} Video */
import { codebookIn, codebookText, selectWrongRow } from "./codebook.js";
import { control, form, numberIn } from "./controls.js";
import { byId } from "./dom.js";

const codebookField = /** @type {HTMLTextAreaElement} */ (byId("cache.codebook"));

/** Returns the radio buttons of the policies. */
function choices() {
  return /** @type {NodeListOf<HTMLInputElement>} */ (form.querySelectorAll("[name=policy]"));
}

/** Returns the meaning and the options of the chosen policy. */
function chosen() {
  const { meaning = "", options = "" } = [...choices()].find(({ checked }) => checked)?.dataset ?? {};
  return { meaning, options: options.split(" ") };
}

const isCustom = () => control("policy").value === "custom";

/** Shows the controls of the chosen policy. */
function show() {
  const { meaning, options } = chosen();
  byId("cache-meaning").textContent = meaning;
  byId("cache-custom").hidden = !isCustom();
  byId("warmup-field").hidden = !options.includes("warmup");
  byId("motion-field").hidden = !options.includes("motion");
}

/** Tells what was read of a codebook, and takes over its warm-up, and whether it looks at motion. */
function tellCodebook() {
  const place = byId("codebook-meaning");
  place.textContent = "";
  try {
    const { codebook, motion, warmup } = codebookIn(codebookField.value);
    if (warmup !== undefined) control("cache.warmup_steps").value = String(warmup);
    if (motion !== undefined) control("motion").checked = Boolean(motion);
    const said = [`${codebook.length} ${codebook.length === 1 ? "row" : "rows"}`];
    if (typeof motion === "object" && motion) said.push("constants of motion");
    if (warmup !== undefined) said.push(`a warm-up of ${warmup} steps`);
    place.textContent = `Read: ${said.join(", ")}.`;
  } catch {
    // Half a codebook is no fault yet: it is told when the form is sent.
  }
}

/**
 * Reads the cache setting from the form.
 *
 * @throws {RequestFailure} for a codebook that cannot be read
 */
function read() {
  const warmup = numberIn(control("cache.warmup_steps"));
  const policy = control("policy").value;
  const { options } = chosen();
  if (!options.includes("warmup")) return policy;
  const isRegularised = control("motion").checked;
  if (!isCustom()) {
    const motion = options.includes("motion") && { motion_regularisation: isRegularised };
    return { policy, ...motion, warmup_steps: warmup };
  }
  const { codebook, motion } = codebookIn(codebookField.value);
  const constants = typeof motion === "object" && motion ? motion : true;
  return { codebook, motion_regularisation: isRegularised && constants, warmup_steps: warmup };
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
  const { policy, codebook, motion_regularisation: motion, warmup_steps } = params.cache;
  const named = [...choices()].find(({ value }) => value === policy);
  control("policy").value = codebook ? "custom" : (named?.value ?? choices()[0]?.value ?? "");
  control("cache.warmup_steps").value = String(warmup_steps);
  if (codebook) codebookField.value = codebookText(codebook, motion);
  control("motion").checked = motion !== false;
  show();
  tellCodebook();
}

/**
 * Returns the field that an error of the cache belongs to.
 *
 * @param {string} param
 */
const fieldOf = (param) => (param === "cache" && isCustom() ? "cache.codebook" : param);

/** @param {import("./api.js").RequestFailure} error */
const point = (error) => {
  if (isCustom() && error.param?.startsWith("cache")) selectWrongRow(codebookField, error);
};

function wire() {
  for (const radio of choices()) radio.addEventListener("change", show);
  codebookField.addEventListener("input", tellCodebook);
  show();
}

/** Group of controls that make up the cache setting. */
export const cacheField = { name: "cache", wire, show, read, askedFor, fill, fieldOf, point };
