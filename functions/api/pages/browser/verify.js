import { keepKey, keptKey } from "./api.js";
import { announce, byId, element } from "./dom.js";

/** @typedef {{outcome: string, lines: string[]}} Verdict */

const key = /** @type {HTMLInputElement} */ (byId("key"));
const file = /** @type {HTMLInputElement} */ (byId("file"));
const drop = byId("drop");

/** Number of the newest file, so that the answer about an earlier one is not shown. */
let asked = 0;

/** @param {string} message */
function showError(message) {
  byId("verdict").hidden = true;
  byId("error").hidden = false;
  byId("error").textContent = message;
}

/**
 * @param {string} name
 * @param {Verdict} verdict
 */
function show(name, { outcome, lines }) {
  byId("error").hidden = true;
  byId("verdict").hidden = false;
  byId("verdict").dataset.outcome = outcome;
  byId("verdict-name").textContent = name;
  byId("verdict-lines").replaceChildren(...lines.map((line) => element("li", {}, line)));
  announce(lines[0] ?? "");
}

/** @param {File} video */
async function verify(video) {
  asked += 1;
  const own = asked;
  keepKey(key.value.trim());
  if (!/^adr_[\x21-\x7e]+$/.test(keptKey())) return showError("Enter an API key, which begins with adr_.");
  const response = await fetch("/verify", {
    method: "POST",
    headers: { authorization: `Bearer ${keptKey()}`, "content-type": "application/octet-stream" },
    body: video,
  }).catch(() => null);
  if (own !== asked) return;
  if (!response) return showError("The service does not answer, or the file cannot be read.");
  const answer = await response.json().catch(() => null);
  if (own !== asked) return;
  if (response.ok) show(video.name, answer);
  else showError(answer?.error?.message ?? `The service answered ${response.status}.`);
}

file.addEventListener("change", () => {
  const [chosen] = file.files ?? [];
  if (chosen) void verify(chosen);
  // The same file may be chosen again, changed.
  file.value = "";
});
for (const type of ["dragenter", "dragover"])
  drop.addEventListener(type, (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
for (const type of ["dragleave", "drop"]) drop.addEventListener(type, () => drop.classList.remove("over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  const [dropped] = event.dataTransfer?.files ?? [];
  if (dropped) void verify(dropped);
});

byId("credentials").addEventListener("submit", (event) => event.preventDefault());
const brought = new URLSearchParams(location.hash.slice(1)).get("key");
key.value = brought ?? keptKey();
if (brought) history.replaceState(null, "", location.pathname);
