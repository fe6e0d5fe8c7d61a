import { announce, byId, element } from "./dom.js";

/** @typedef {import("../reference/search-entries.ts").SearchEntry} Entry */

const SHOWN_MAX = 12;

/** Names of the kinds of places, beside the results. */
const KINDS = { guide: "Guide", operation: "Operation", object: "Object", error: "Error", field: "Field" };

/**
 * Ranks an entry for a query: the higher, the better; 0 if a word of the query is nowhere in it.
 *
 * @param {Entry} entry
 * @param {string} query
 */
export function rankOf({ kind, title, place, words }, query) {
  const [name, rest] = [title.toLowerCase(), `${place} ${words}`.toLowerCase()];
  const parts = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (parts.length === 0) return 0;
  let rank = kind === "field" ? 0 : 3;
  for (const part of parts) {
    const last = name.slice(name.lastIndexOf(".") + 1);
    if (name === part || last === part) rank += 12;
    else if (name.split(" ").includes(part)) rank += 10;
    else if (name.startsWith(part) || last.startsWith(part)) rank += 8;
    else if (name.includes(part)) rank += 5;
    else if (rest.split(/[^\w:/-]+/).includes(part)) rank += 4;
    else if (rest.includes(part)) rank += 2;
    else return 0;
  }
  // Of fields with the same name, the one that lies less deep is meant more often.
  return rank - name.split(".").length / 10;
}

/**
 * Returns the best entries for a query.
 *
 * @param {readonly Entry[]} entries
 * @param {string} query
 */
export function search(entries, query) {
  return entries
    .map((entry) => ({ entry, rank: rankOf(entry, query) }))
    .filter(({ rank }) => rank > 0)
    .sort((a, b) => b.rank - a.rank)
    .slice(0, SHOWN_MAX)
    .map(({ entry }) => entry);
}

/** Makes the search field work: typing filters, arrows choose, Enter goes there, Escape closes; `/` begins. */
export function startSearch() {
  const field = /** @type {HTMLInputElement} */ (byId("search"));
  const list = byId("found");
  /** @type {Promise<Entry[]> | null} */
  let loaded = null;
  let chosen = -1;

  const load = () => {
    loaded ??= fetch("/docs/search.json")
      .then((response) => /** @type {Promise<Entry[]>} */ (response.json()))
      .catch(() => {
        loaded = null;
        return [];
      });
    return loaded;
  };

  async function show() {
    const query = field.value.trim();
    const entries = await load();
    // Another key may have been pressed meanwhile.
    if (query !== field.value.trim()) return;
    const found = query ? search(entries, query) : [];
    list.replaceChildren(...(query && found.length === 0 ? [nothing(query)] : found.map(option)));
    list.hidden = query === "";
    field.setAttribute("aria-expanded", String(query !== ""));
    announce(query ? `${found.length} found` : "");
    choose(found.length > 0 ? 0 : -1);
  }

  /** @param {number} index */
  function choose(index) {
    const options = [...list.querySelectorAll("[role='option']")];
    chosen = options.length === 0 ? -1 : (index + options.length) % options.length;
    for (const [at, each] of options.entries()) each.setAttribute("aria-selected", String(at === chosen));
    const id = options[chosen]?.id;
    if (id) field.setAttribute("aria-activedescendant", id);
    else field.removeAttribute("aria-activedescendant");
    options[chosen]?.scrollIntoView({ block: "nearest" });
  }

  function close() {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  }

  field.addEventListener("focus", () => void load());
  field.addEventListener("input", () => void show());
  field.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps && !list.hidden) {
      event.preventDefault();
      choose(chosen + steps[/** @type {"ArrowDown" | "ArrowUp"} */ (event.key)]);
    } else if (event.key === "Enter") {
      const link = list.querySelectorAll("a")[chosen];
      if (!list.hidden && link) go(link.href);
    } else if (event.key === "Escape") {
      if (list.hidden) field.value = "";
      close();
    }
  });

  /** @param {string} url */
  function go(url) {
    field.value = "";
    close();
    field.blur();
    location.assign(url);
  }

  list.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(link.href);
  });
  document.addEventListener("click", ({ target }) => {
    if (target instanceof Node && !field.parentElement?.contains(target)) close();
  });
  document.addEventListener("keydown", (event) => {
    const isTyping =
      event.target instanceof Element && event.target.matches("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
}

/**
 * @param {Entry} entry
 * @param {number} index
 */
function option({ kind, title, place, url }, index) {
  const link = element("a", { href: url, tabIndex: -1 });
  link.append(
    element("span", { className: "title" }, title),
    element("span", { className: "place" }, kind === "field" ? place : KINDS[kind]),
  );
  const made = element("div", { id: `found-${index}` }, link);
  made.setAttribute("role", "option");
  return made;
}

/** @param {string} query */
function nothing(query) {
  return element("p", { className: "faint" }, `Nothing is called “${query}”.`);
}
