import { copy } from "./copy.js";
import { byId } from "./dom.js";
import { startSearch } from "./search.js";

const root = document.documentElement;

/**
 * Shows all programs in one language, and remembers it.
 *
 * @param {string} language
 */
function chooseLanguage(language) {
  root.dataset.language = language;
  try {
    localStorage.setItem("adareel-language", language);
  } catch {
    // Storage may be forbidden; the choice is then forgotten with the page.
  }
  markLanguage();
}

/** Marks the buttons of the languages that are shown: programs that lack the chosen one are shown in their first. */
function markLanguage() {
  for (const group of document.querySelectorAll(".languages")) {
    const own = [...group.querySelectorAll("button")];
    const shown = own.find((button) => button.dataset.choose === root.dataset.language) ?? own[0];
    for (const button of own) button.setAttribute("aria-pressed", String(button === shown));
  }
}

/**
 * @param {string} selector
 * @returns {NodeListOf<HTMLButtonElement>}
 */
function buttons(selector) {
  return document.querySelectorAll(selector);
}

for (const button of buttons("[data-choose]")) {
  button.addEventListener("click", () => {
    const before = button.getBoundingClientRect().top;
    chooseLanguage(button.dataset.choose ?? "curl");
    // Programs above may have become longer: the button stays under the pointer.
    scrollBy({ top: button.getBoundingClientRect().top - before, behavior: "instant" });
  });
}
markLanguage();

/** @param {HTMLButtonElement} button */
function copyFrom(button) {
  const programs = [...(button.closest(".programs")?.querySelectorAll("pre") ?? [])];
  const shown = programs.find((each) => each.offsetParent !== null);
  if (shown) void copy(button, shown);
}

for (const button of buttons(".copy")) button.addEventListener("click", () => copyFrom(button));

// Behind a proxy the server may have been asked by another address than the one in the address bar.
for (const address of document.querySelectorAll("[data-address]")) address.textContent = location.origin;

/** Returns the element that the address names; null if it names none, or is not written as an address. */
function addressed() {
  try {
    return document.getElementById(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return null;
  }
}

/** Follows an anchor that has moved to another page, and opens what hides a target. */
function showTarget() {
  const target = addressed();
  if (!target) return;
  // Only an entry's own link: `#main`, where the skip link leads, has those of all entries.
  const moved = /** @type {HTMLAnchorElement | null} */ (target.querySelector(":scope > a[data-moved]"));
  if (moved) return location.replace(moved.href);
  for (let each = target.parentElement; each; each = each.parentElement) {
    if (each instanceof HTMLDetailsElement) each.open = true;
  }
  const own = target.querySelector(":scope > details");
  if (own instanceof HTMLDetailsElement) own.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", showTarget);
showTarget();

/** Marks the part of the page that is being read in the contents. */
function followReading() {
  const links = new Map(
    [...document.querySelectorAll(".contents a[href^='#']")].map((link) => [link.getAttribute("href"), link]),
  );
  const headings = [...document.querySelectorAll(".part > h2")];
  let marked = /** @type {Element | undefined} */ (undefined);
  const mark = () => {
    const isAtEnd = scrollY + innerHeight >= root.scrollHeight - 2;
    const above = headings.filter((heading) => heading.getBoundingClientRect().top < innerHeight / 3);
    const current = isAtEnd ? headings.at(-1) : (above.at(-1) ?? headings[0]);
    const link = links.get(`#${current?.id}`);
    if (link === marked) return;
    marked?.removeAttribute("aria-current");
    link?.setAttribute("aria-current", "location");
    marked = link;
    keepInView(link);
  };
  addEventListener("scroll", () => requestAnimationFrame(mark), { passive: true });
  mark();
}

/**
 * Scrolls the contents, and only them, so that the marked entry can be seen.
 *
 * @param {Element | undefined} link
 */
function keepInView(link) {
  const contents = byId("contents");
  const [inner, outer] = [link?.getBoundingClientRect(), contents.getBoundingClientRect()];
  if (!inner) return;
  if (inner.top < outer.top) contents.scrollTop += inner.top - outer.top - 8;
  if (inner.bottom > outer.bottom) contents.scrollTop += inner.bottom - outer.bottom + 8;
}

const narrow = matchMedia("(max-width: 900px)");
/** @type {HTMLDetailsElement} */ (byId("contents")).open = !narrow.matches;
narrow.addEventListener("change", () => {
  /** @type {HTMLDetailsElement} */ (byId("contents")).open = !narrow.matches;
});
byId("contents").addEventListener("click", ({ target }) => {
  const isLink = target instanceof Element && target.closest("a") !== null;
  if (narrow.matches && isLink) /** @type {HTMLDetailsElement} */ (byId("contents")).open = false;
});

followReading();
startSearch();
