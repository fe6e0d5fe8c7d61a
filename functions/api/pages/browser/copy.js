import { announce } from "./dom.js";

const SAID_MS = 2000;

/**
 * Copies the text of an element, and says so on the button. Without a secure connection or a permission browsers have
 * no clipboard for pages; then the text is selected, so that the keyboard can copy it.
 *
 * @param {HTMLElement} button
 * @param {HTMLElement} source
 */
export async function copy(button, source) {
  const isCopied = await navigator.clipboard?.writeText(source.textContent ?? "").then(
    () => true,
    () => false,
  );
  if (!isCopied) getSelection()?.selectAllChildren(source);
  button.textContent = isCopied ? "Copied" : "Selected: press Ctrl+C";
  announce(button.textContent);
  setTimeout(() => {
    button.textContent = "Copy";
    // The same text is announced again only after another one.
    announce("");
  }, SAID_MS);
}
