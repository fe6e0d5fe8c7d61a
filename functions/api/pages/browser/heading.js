import { byId } from "./dom.js";

const heading = byId("stage-heading");
const more = byId("more");

/**
 * Makes a text the heading of the stage. A long prompt shows three lines, and a button that unfolds the rest.
 *
 * @param {string} text
 */
export function putHeading(text) {
  if (heading.textContent === text) return;
  heading.textContent = text;
  heading.classList.toggle("long", text.length > 140);
  fold(true);
}

/** @param {boolean} isFolded */
function fold(isFolded) {
  heading.classList.toggle("folded", isFolded);
  more.setAttribute("aria-expanded", String(!isFolded));
  more.textContent = isFolded ? "more" : "less";
  offerMore();
}

/** Shows the button where there is more to see, or to fold again. */
function offerMore() {
  const isFolded = heading.classList.contains("folded");
  more.hidden = isFolded && heading.scrollHeight <= heading.clientHeight + 2;
}

more.addEventListener("click", () => fold(!heading.classList.contains("folded")));
new ResizeObserver(offerMore).observe(heading);
