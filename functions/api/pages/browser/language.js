/* Chooses the language of the programs before the page is shown, so that nothing moves. Runs first in the head. */
try {
  document.documentElement.dataset.language = localStorage.getItem("adareel-language") ?? "curl";
} catch {
  // Storage may be forbidden; the choice is then forgotten with the page.
  document.documentElement.dataset.language = "curl";
}
