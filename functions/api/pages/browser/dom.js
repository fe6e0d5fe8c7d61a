/**
 * Creates an element with properties and children. Strings become text nodes, so markup in them has no effect.
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
 * Returns the element with this id.
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
 * Announces a text to screen readers, unless it is the same as the last one.
 *
 * @param {string} text
 */
export function announce(text) {
  const announcer = byId("announcer");
  if (announcer.textContent !== text) announcer.textContent = text;
}

/**
 * Formats a duration, with a no-break space before the unit.
 *
 * @param {number} seconds
 */
export function secondsText(seconds) {
  return `${seconds.toFixed(seconds < 10 ? 2 : 1)}\u00a0s`;
}

/**
 * Formats a moment as the time of its day, or as its day if that is not today.
 *
 * @param {number} unixSeconds
 */
export function clockTime(unixSeconds) {
  const when = new Date(unixSeconds * 1000);
  const isToday = when.toDateString() === new Date().toDateString();
  return isToday ? when.toLocaleTimeString([], { timeStyle: "short" }) : when.toLocaleDateString();
}
