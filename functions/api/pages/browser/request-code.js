/** @typedef {import("./api.js").Video} Video */
import { copy } from "./copy.js";
import { byId } from "./dom.js";
import { orderOf } from "./form.js";
import { curlOf, environmentOf, javaScriptOf, pythonOf } from "./snippets.js";

/**
 * Shows a video's request as programs that repeat it, and the video as JSON.
 *
 * @param {Video} video
 */
export function showRequestCode(video) {
  const body = orderOf(video);
  const file = `video.${video.compute?.video.encoder === "webp" ? "webp" : "mp4"}`;
  byId("environment").textContent = environmentOf(location.origin);
  byId("curl").textContent = curlOf(body);
  byId("javascript").textContent = javaScriptOf(body, file);
  byId("python").textContent = pythonOf(body, file);
  byId("json").textContent = JSON.stringify(video, null, 2);
  byId("raw").hidden = false;
}

/** Adds the event listeners of the tabs and of the buttons that copy. */
export function wireRequestCode() {
  const tabs = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll("[role=tab]")]);
  for (const [index, tab] of tabs.entries()) {
    tab.addEventListener("click", () => choose(tabs, index));
    tab.addEventListener("keydown", (event) => {
      const next = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: -1 }[event.key];
      if (next === undefined) return;
      event.preventDefault();
      choose(tabs, (next + tabs.length) % tabs.length);
    });
  }
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-copies]"))) {
    button.addEventListener("click", () => copy(button, byId(button.dataset.copies ?? "")));
  }
}

/**
 * Shows the panel of a tab, and focuses the tab.
 *
 * @param {readonly HTMLButtonElement[]} tabs
 * @param {number} chosen
 */
function choose(tabs, chosen) {
  for (const [index, tab] of tabs.entries()) {
    const isChosen = index === chosen;
    tab.ariaSelected = String(isChosen);
    tab.tabIndex = isChosen ? 0 : -1;
    byId(tab.getAttribute("aria-controls") ?? "").hidden = !isChosen;
    if (isChosen) tab.focus();
  }
}
