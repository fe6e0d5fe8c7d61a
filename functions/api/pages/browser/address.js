/** The part of the page's address after `#`: the open video, and a key that a link brings. */

const hash = () => new URLSearchParams(location.hash.slice(1));
const here = () => location.pathname + location.search;

/** Returns the id of the video that the address names; null if it names none. */
export const videoInAddress = () => hash().get("video");

/** Returns whether the address names an element of the page, such as the skip link's. */
export const isAnchor = () => location.hash !== "" && !hash().has("video") && !hash().has("key");

/** Returns the key in `#key=…` of the address, and removes it from the address bar and the history. */
export function takeKeyFromAddress() {
  const rest = hash();
  const key = rest.get("key");
  if (key === null) return null;
  rest.delete("key");
  history.replaceState(null, "", rest.size > 0 ? `#${rest}` : here());
  return key;
}

/** Removes a video that is gone from the address, and so from the history. */
export const removeFromAddress = () => history.replaceState(null, "", here());

/**
 * Makes the address that of a video, unless it already is.
 *
 * @param {string} id
 */
export function putInAddress(id) {
  if (videoInAddress() !== id) history.pushState(null, "", `#video=${id}`);
}
