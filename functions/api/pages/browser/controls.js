import { RequestFailure } from "./api.js";
import { byId } from "./dom.js";

export const form = /** @type {HTMLFormElement} */ (byId("order"));

/**
 * The control of this name, or a radio group.
 *
 * @param {string} name
 */
export const control = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

/** The controls that stand for one parameter of a request each. */
export const simpleControls = () =>
  /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("[data-reads]")]);

/**
 * The number in a control; undefined where it is empty.
 *
 * @param {HTMLInputElement} entered
 * @throws {RequestFailure} for what is no number
 */
export function numberIn(entered) {
  if (entered.validity.badInput)
    throw new RequestFailure("Enter a number.", { status: 400, param: entered.name });
  return entered.value === "" ? undefined : Number(entered.value);
}

/**
 * The value of a control; undefined where it is empty and may be.
 *
 * @param {HTMLInputElement} entered
 * @throws {RequestFailure} for what is no number
 */
export function valueIn(entered) {
  switch (entered.dataset.reads) {
    case "number":
      return numberIn(entered);
    case "boolean":
      return entered.checked;
    default:
      return entered.required ? entered.value : entered.value.trim() || undefined;
  }
}

/**
 * Puts a value into a control.
 *
 * @param {HTMLInputElement} entered
 * @param {unknown} value
 */
export function fillControl(entered, value) {
  if (entered.dataset.reads === "boolean") entered.checked = value === true;
  else entered.value = String(value ?? "");
}
