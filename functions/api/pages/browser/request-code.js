/** @typedef {import("./api.js").Video} Video */
import { announce, byId } from "./dom.js";
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
    tab.addEventListener("keydown", ({ key }) => {
      const steps = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (steps) choose(tabs, (index + steps + tabs.length) % tabs.length);
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

/**
 * @param {HTMLElement} button
 * @param {HTMLElement} source
 */
async function copy(button, source) {
  const isCopied = await navigator.clipboard?.writeText(source.textContent ?? "").then(
    () => true,
    () => false,
  );
  // Without permission to write to the clipboard, the text is selected, so that the keyboard can copy it.
  if (!isCopied) getSelection()?.selectAllChildren(source);
  button.textContent = isCopied ? "Copied" : "Selected: press Ctrl+C";
  announce(button.textContent);
  setTimeout(() => {
    button.textContent = "Copy";
  }, 2000);
}
