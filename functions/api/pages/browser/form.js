/** @typedef {import("./api.js").Video} Video */
/** @typedef {import("./api.js").Model} Model */
/** @typedef {import("./api.js").RequestFailure} RequestFailure */
import { cacheField } from "./cache-field.js";
import { control, fillControl, form, simpleControls, valueIn } from "./controls.js";
import { byId, element } from "./dom.js";
import { keepDraft, restoreDraft } from "./draft.js";
import { pictureFields } from "./picture-field.js";

/** Parameters that are each made up of several controls. */
const FIELDS = [cacheField, ...pictureFields];

/** @type {readonly Model[]} */
let models = [];

/**
 * Offers the models of the deployment, and enables the form. Keeps what was in the form, as far as it is offered.
 *
 * @param {readonly Model[]} offered
 */
export function offerModels(offered) {
  if (models.length > 0) keepDraft();
  models = offered;
  fill(
    control("model"),
    offered.map(({ id }) => id),
  );
  restoreDraft(["model"]);
  offerShapes();
  restoreDraft();
  tellAll();
  for (const field of FIELDS) field.show();
  byId("settings").removeAttribute("disabled");
}

/** Offers the sizes, lengths and frame rates of the chosen model, and its defaults. */
function offerShapes() {
  const model = models.find(({ id }) => id === control("model").value);
  if (!model) return;
  /** @type {Record<string, unknown>} */
  const members = model;
  for (const entered of simpleControls()) {
    const offered = members[entered.dataset.of ?? entered.name];
    if (Array.isArray(offered)) fill(entered, offered);
    else if (!entered.dataset.of && offered !== undefined) fillControl(entered, offered);
  }
  for (const { offer } of pictureFields) offer(model);
  tellAll();
}

/**
 * @param {HTMLInputElement} select
 * @param {readonly (string | number)[]} values
 */
function fill(select, values) {
  select.replaceChildren(...values.map((value) => element("option", { value: String(value) })));
  tell(select);
}

/**
 * Writes the text of each option. A number of frames is shown with its duration in seconds.
 *
 * @param {HTMLInputElement} select
 */
function tell(select) {
  const { unit, per } = select.dataset;
  for (const option of select.querySelectorAll("option")) {
    const { value } = option;
    const seconds = per && Number((Number(value) / Number(control(per).value)).toFixed(2));
    if (per) option.textContent = `${seconds} s (${value} ${unit})`;
    else if (unit) option.textContent = `${value} ${unit}`;
    else option.textContent = select.dataset.of === "sizes" ? value.replace("x", " × ") : value;
  }
}

/** Rewrites the options whose text depends on another control. */
function tellAll() {
  for (const select of simpleControls()) if (select.dataset.per) tell(select);
}

/** @param {HTMLInputElement} entered */
function drawNumber(entered) {
  entered.value = String(crypto.getRandomValues(new Uint32Array(1))[0]);
}

/** Adds the event listeners of the form. */
export function wireForm() {
  control("model").addEventListener("change", offerShapes);
  form.addEventListener("change", tellAll);
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-draws]"))) {
    button.addEventListener("click", () => drawNumber(control(button.dataset.draws ?? "")));
  }
  restoreDraft();
  addEventListener("pagehide", keepDraft);
  for (const field of FIELDS) field.wire();
  for (const chip of form.querySelectorAll("[data-example]")) {
    chip.addEventListener("click", () => {
      control("prompt").value = chip.textContent ?? "";
      control("prompt").focus();
    });
  }
}

/**
 * Reads the request from the form. Empty optional fields are `undefined`, and so absent from its JSON.
 *
 * @throws {RequestFailure} if a number is not one, or the codebook is not JSON
 */
export function orderInForm() {
  const simple = simpleControls().map((entered) => [entered.name, valueIn(entered)]);
  const others = FIELDS.map(({ name, read }) => [name, read()]);
  return Object.fromEntries([...simple, ...others]);
}

/**
 * Returns the value of a parameter of a video.
 *
 * @param {Video} video
 * @param {string} name
 */
function toldValue(video, name) {
  /** @type {Record<string, unknown>} */
  const told = { ...video, ...video.params };
  return told[name];
}

/**
 * Returns the request that repeats a video, with its seed and all defaults written out.
 *
 * @param {Video} video
 */
export function orderOf(video) {
  const { metadata } = video;
  const names = new Set([...simpleControls().map(({ name }) => name), ...Object.keys(video.params)]);
  const told = [...names]
    .map((name) => [name, toldValue(video, name)])
    .filter(([, value]) => value !== null && value !== undefined);
  const others = FIELDS.map(({ name, askedFor }) => [name, askedFor(video)]);
  return {
    ...Object.fromEntries([...told, ...others]),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
}

/**
 * Fills the form with the parameters of a video.
 *
 * @param {Video} video
 */
export function fillForm(video) {
  if (models.some(({ id }) => id === video.model)) control("model").value = video.model;
  offerShapes();
  for (const entered of simpleControls()) {
    if (entered.name !== "model") fillControl(entered, toldValue(video, entered.name));
  }
  for (const field of FIELDS) field.fill(video);
  // The seed that repeats the video is among the folded settings.
  byId("more-settings").setAttribute("open", "");
  tellAll();
  clearErrors();
}

export function clearErrors() {
  for (const error of form.querySelectorAll(".error")) error.toggleAttribute("hidden", true);
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
}

/**
 * Shows an error at the field that it names, or else at the button.
 *
 * @param {unknown} error
 */
export function showError(error) {
  const { message, param = null } = /** @type {RequestFailure} */ (error);
  // An error of `cache.codebook.0.rate` is shown at the codebook.
  for (let name = param ?? ""; name !== ""; name = name.slice(0, Math.max(0, name.lastIndexOf(".")))) {
    const id = FIELDS.reduce((field, { fieldOf }) => fieldOf(field), name);
    const place = document.getElementById(`${id}-error`);
    if (!place) continue;
    place.textContent = message;
    place.hidden = false;
    const field = document.getElementById(id);
    field?.setAttribute("aria-invalid", "true");
    field?.closest("details")?.setAttribute("open", "");
    field?.focus();
    for (const { point } of FIELDS) point(/** @type {RequestFailure} */ (error));
    return;
  }
  byId("order-error").textContent = message;
  byId("order-error").hidden = false;
}
