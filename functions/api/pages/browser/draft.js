import { control, form } from "./controls.js";
import { byId } from "./dom.js";

const KEPT_DRAFT = "adareel-draft";

/** @returns {Record<string, unknown>} */
const kept = () => JSON.parse(sessionStorage.getItem(KEPT_DRAFT) ?? "{}");

const folded = /** @type {HTMLDetailsElement} */ (byId("more-settings"));

/** Keeps what is in the form for this tab. A list without choices leaves what was kept as it is. */
export function keepDraft() {
  /** @type {Record<string, unknown>} */
  const draft = { ...kept(), isUnfolded: folded.open };
  const controls = /** @type {Iterable<HTMLInputElement>} */ (/** @type {unknown} */ (form.elements));
  for (const { name, type, value, checked } of controls) {
    const isEmptyList = type === "select-one" && value === "";
    if (name === "" || isEmptyList || (type === "radio" && !checked)) continue;
    draft[name] = type === "checkbox" ? checked : value;
  }
  sessionStorage.setItem(KEPT_DRAFT, JSON.stringify(draft));
}

/**
 * Puts what was kept into the form, as far as it can still be chosen.
 *
 * @param {readonly string[]} [names] of the controls to fill; all when left out
 */
export function restoreDraft(names) {
  const draft = kept();
  folded.open ||= draft.isUnfolded === true;
  for (const [name, value] of Object.entries(draft)) {
    if (names && !names.includes(name)) continue;
    const entered = control(name);
    if (!entered) continue;
    if (entered instanceof RadioNodeList) {
      if ([...entered].some((radio) => /** @type {HTMLInputElement} */ (radio).value === value))
        entered.value = String(value);
    } else if (entered.type === "checkbox") entered.checked = value === true;
    else if (
      entered.type !== "select-one" ||
      entered.querySelector(`option[value="${CSS.escape(String(value))}"]`)
    )
      entered.value = String(value);
  }
}
