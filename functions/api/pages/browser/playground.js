/** @typedef {import("./api.js").Video} Video */
/** @typedef {import("./api.js").Model} Model */
/** @typedef {import("./api.js").RequestFailure} RequestFailure */
import { isAnchor, removeFromAddress, takeKeyFromAddress, videoInAddress } from "./address.js";
import { KEY_REFUSED, keepKey, keptKey, request } from "./api.js";
import { wireDeletion } from "./deletion.js";
import { announce, byId } from "./dom.js";
import { isOver } from "./follow.js";
import { clearErrors, fillForm, offerModels, orderInForm, orderOf, showError, wireForm } from "./form.js";
import { refreshRecent, startRecent, stopRecent, wireRecent } from "./recent.js";
import { wireRequestCode } from "./request-code.js";
import { cancel, clear, clearIfShown, end, fail, open, show, shownVideo } from "./stage.js";

const keyField = /** @type {HTMLInputElement} */ (byId("key"));
const submit = /** @type {HTMLButtonElement} */ (byId("generate"));

/** Shows the field of the key, or the line that takes its place. */
function showKeyEntry(isShown = true) {
  byId("key-entry").hidden = !isShown;
  byId("connected").hidden = isShown;
}

/**
 * Reads the key from its field, and shows the models and videos that it gives access to.
 *
 * @param {string} [how] what the page says when it is connected
 */
async function connect(how = "Connected") {
  clearErrors();
  // The data of the previous key are removed before the new key is checked.
  byId("settings").toggleAttribute("disabled", true);
  keepKey(keyField.value.trim());
  try {
    /** @type {{data: Model[]}} */
    const { data } = await request("GET", "/v1/models");
    offerModels(data);
    if (keyField === document.activeElement) byId("prompt").focus();
    byId("connected-how").textContent = how;
    showKeyEntry(false);
    announce(`${how}.`);
    showWhatIsAddressed();
    await startRecent();
  } catch (error) {
    showKeyEntry();
    showError({ message: /** @type {Error} */ (error).message, param: "key" });
  }
}

/** Shows the video that the address names, or an empty stage. */
function showWhatIsAddressed() {
  const id = videoInAddress();
  if (id !== null) void open(id);
  else clear("Your video appears here", "Describe it, or begin with an example.");
}

/** @param {RequestFailure} refusal of a key that was accepted before, or of a new one */
function disconnect(refusal) {
  stopRecent();
  byId("settings").toggleAttribute("disabled", true);
  const video = shownVideo();
  if (video && !isOver(video))
    end("The service refuses the key now, so this video's progress is not known here.");
  showKeyEntry();
  showError(refusal);
}

/**
 * Creates a video and shows it.
 *
 * @param {() => object} order
 * @param {(error: unknown) => void} refuse shows the error if the video is not created
 */
async function create(order, refuse) {
  if (submit.ariaDisabled === "true") return;
  clearErrors();
  // The button is not disabled, because it would lose the focus.
  submit.ariaDisabled = "true";
  submit.textContent = "Sending…";
  try {
    const video = /** @type {Video} */ (await request("POST", "/v1/videos", { body: order() }));
    show(video);
    void refreshRecent();
  } catch (error) {
    refuse(error);
  } finally {
    submit.ariaDisabled = null;
    submit.textContent = "Generate";
  }
}

/** Puts the request of the video on the stage into the form. */
function editAgain() {
  const video = shownVideo();
  if (!video) return;
  fillForm(video);
  const prompt = /** @type {HTMLTextAreaElement} */ (byId("prompt"));
  prompt.focus();
  prompt.setSelectionRange(prompt.value.length, prompt.value.length);
}

wireForm();
wireRequestCode();
wireRecent(clearIfShown);
wireDeletion((id) => {
  if (shownVideo()?.id === id) {
    clear("The video is deleted", "Make another one, or open one of the recent videos.");
    removeFromAddress();
    byId("stage-heading").focus({ preventScroll: true });
  }
  void refreshRecent();
});
const orderForm = /** @type {HTMLFormElement} */ (byId("order"));
orderForm.addEventListener("submit", (event) => {
  event.preventDefault();
  void create(orderInForm, showError);
});
orderForm.addEventListener("keydown", (event) => {
  const isSend = event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target !== keyField;
  if (!isSend) return;
  event.preventDefault();
  orderForm.requestSubmit();
});
if (/Mac|iP(hone|ad)/.test(navigator.userAgent)) byId("shortcut").textContent = "⌘ Enter";
byId("connect").addEventListener("click", () => void connect());
keyField.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  void connect();
});
byId("change-key").addEventListener("click", () => {
  showKeyEntry();
  keyField.select();
});
byId("cancel").addEventListener("click", cancel);
byId("compare").addEventListener("click", () => {
  const video = shownVideo();
  if (video) void create(() => ({ ...orderOf(video), compare: true }), fail);
});
byId("again").addEventListener("click", editAgain);
addEventListener(KEY_REFUSED, (event) => disconnect(/** @type {CustomEvent} */ (event).detail));

/** Takes the key that a link brings, or else the kept one, and connects. The page says when a link changed the key. */
function begin() {
  const kept = keptKey();
  const key = takeKeyFromAddress() ?? kept;
  keyField.value = key;
  if (key) void connect(key === kept ? undefined : "Connected with the key of the link");
}

begin();
// The address changes by Back and Forward, by the links of the recent videos, and by a link that brings a key.
addEventListener("hashchange", () => {
  if (isAnchor()) return;
  if (new URLSearchParams(location.hash.slice(1)).has("key")) begin();
  else if (videoInAddress() !== (shownVideo()?.id ?? null)) showWhatIsAddressed();
});
