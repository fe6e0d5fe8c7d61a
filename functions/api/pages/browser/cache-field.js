/** @typedef {import("./api.js").Video} Video */
import { RequestFailure } from "./api.js";
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

/** Returns the words of the promises, each of which has a field for its number. */
const promises = () => [...choices()].filter(({ dataset }) => dataset.unit).map(({ value }) => value);

const isPromise = () => promises().includes(control("policy").value);

const isCustom = () => control("policy").value === "custom";

/** Shows the controls of the chosen policy. */
function show() {
  const { meaning, options } = chosen();
  byId("cache-meaning").textContent = meaning;
  byId("cache-custom").hidden = !isCustom();
  for (const word of promises()) byId(`cache-${word}`).hidden = control("policy").value !== word;
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
 * @throws {RequestFailure} for a codebook that cannot be read, or a promise without its number
 */
function read() {
  if (isPromise()) return promise();
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

/** @throws {RequestFailure} if the number is missing */
function promise() {
  const word = control("policy").value;
  const entered = control(`cache.${word}`);
  const number = numberIn(entered);
  if (number === undefined) throw new RequestFailure("Enter a number.", { status: 400, param: entered.name });
  return { [word]: number };
}

/**
 * Returns the promise that a policy makes with its number; undefined for a policy that makes none.
 *
 * @param {string} policy
 */
function promiseIn(policy) {
  const [word = "", argument] = policy.split(":");
  return argument !== undefined && promises().includes(word)
    ? { word, number: Number.parseFloat(argument) }
    : undefined;
}

/**
 * Returns the cache setting of a video in the form of a request.
 *
 * @param {Video} video
 */
function askedFor({ params }) {
  const { policy, codebook, forecast, ...details } = params.cache;
  const forecasting = typeof forecast === "boolean" && { forecast };
  const promised = promiseIn(policy);
  if (promised) return { [promised.word]: promised.number, ...forecasting };
  if (policy === "off") return "off";
  if (policy === "auto") return forecasting ? { policy, ...forecasting } : "auto";
  return { ...(codebook ? { codebook } : { policy }), ...details, ...forecasting };
}

/**
 * Fills the form with the cache setting of a video.
 *
 * @param {Video} video
 */
function fill({ params }) {
  const { policy, codebook, motion_regularisation: motion, warmup_steps } = params.cache;
  const promised = promiseIn(policy);
  const named = [...choices()].find(({ value }) => value === (promised?.word ?? policy));
  if (promised) control(`cache.${promised.word}`).value = String(promised.number);
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
const fieldOf = (param) => {
  if (param !== "cache") return param;
  if (isPromise()) return `cache.${control("policy").value}`;
  return isCustom() ? "cache.codebook" : param;
};

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
