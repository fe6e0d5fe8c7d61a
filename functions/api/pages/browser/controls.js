import { RequestFailure } from "./api.js";
import { byId } from "./dom.js";

export const form = /** @type {HTMLFormElement} */ (byId("order"));

/**
 * Returns the control, or the group of radio buttons, with this name.
 *
 * @param {string} name
 */
export const control = (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

/** Returns the controls that each hold one whole request parameter. */
export const simpleControls = () =>
  /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("[data-reads]")]);

/**
 * Returns the number in a control; undefined if the control is empty.
 *
 * @param {HTMLInputElement} entered
 * @throws {RequestFailure} if the text is not a number
 */
export function numberIn(entered) {
  if (entered.validity.badInput)
    throw new RequestFailure("Enter a number.", { status: 400, param: entered.name });
  return entered.value === "" ? undefined : Number(entered.value);
}

/**
 * Returns the value of a control; undefined if it is optional and empty.
 *
 * @param {HTMLInputElement} entered
 * @throws {RequestFailure} if a number is expected and the text is not one
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
