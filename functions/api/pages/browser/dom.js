/**
 * An element with its properties set and its children appended: text is text, whatever is in it.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  Object.assign(made, properties);
  made.append(...children);
  return made;
}

/**
 * The element of the page with this id.
 *
 * @template {Element} [Kind=HTMLElement]
 * @param {string} id
 * @returns {Kind}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no element "${id}".`);
  return /** @type {Kind} */ (/** @type {unknown} */ (found));
}

/**
 * Says something to those who listen to the page; the same thing only once in a row.
 *
 * @param {string} text
 */
export function announce(text) {
  const announcer = byId("announcer");
  if (announcer.textContent !== text) announcer.textContent = text;
}

/**
 * A duration whose unit stays on its line.
 *
 * @param {number} seconds
 */
export function secondsText(seconds) {
  return `${seconds.toFixed(seconds < 10 ? 2 : 1)}\u00a0s`;
}
