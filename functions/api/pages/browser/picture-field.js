/** @typedef {import("./api.js").Video} Video */
/** @typedef {import("./api.js").Model} Model */
/** @typedef {{video_id: string}} OfVideo */
import { control } from "./controls.js";
import { byId } from "./dom.js";

/**
 * Makes the field of a picture: it is chosen or dropped, and shown as the model will see it, which is resized to cover
 * the video and cropped to its centre.
 *
 * @param {HTMLElement} field
 */
function pictureField(field) {
  const { picture: name = "", taken = "" } = field.dataset;
  const input = /** @type {HTMLInputElement} */ (byId(name));
  const place = byId(`${name}-place`);
  const preview = /** @type {HTMLImageElement} */ (byId(`${name}-preview`));
  const note = byId(`${name}-note`);
  const remove = byId(`${name}-remove`);
  const empty = note.textContent;

  /** @type {File | OfVideo | undefined} */
  let chosen;

  /** @param {File | OfVideo | undefined} picture */
  function choose(picture) {
    URL.revokeObjectURL(preview.src);
    chosen = picture;
    const isFile = picture instanceof File;
    if (isFile) preview.src = URL.createObjectURL(picture);
    else preview.removeAttribute("src");
    preview.hidden = !isFile;
    remove.hidden = !picture;
    note.hidden = isFile;
    note.textContent = picture ? "The picture of the earlier video" : empty;
    input.value = "";
    crop();
  }

  /** Gives the preview the shape of the video. */
  function crop() {
    const [width, height] = control("size").value.split("x");
    if (width && height) preview.style.setProperty("--ratio", String(Number(width) / Number(height)));
  }

  function wire() {
    input.addEventListener("change", () => {
      if (input.files?.[0]) choose(input.files[0]);
    });
    remove.addEventListener("click", () => {
      choose(undefined);
      input.focus();
    });
    preview.addEventListener("error", () => {
      // The service reads kinds of pictures that the browser does not.
      preview.hidden = true;
      note.hidden = false;
      note.textContent = "This browser cannot show the picture.";
    });
    for (const type of ["dragenter", "dragover"])
      place.addEventListener(type, (event) => {
        event.preventDefault();
        place.classList.add("over");
      });
    for (const type of ["dragleave", "drop"])
      place.addEventListener(type, () => place.classList.remove("over"));
    place.addEventListener("drop", (event) => {
      event.preventDefault();
      const file = /** @type {DragEvent} */ (event).dataTransfer?.files[0];
      if (file) choose(file);
    });
    control("size").addEventListener("change", crop);
  }

  return {
    name,
    wire,
    show: crop,
    /** @param {Model} model */
    offer(model) {
      field.hidden = !(/** @type {Record<string, unknown>} */ (model)[taken]);
      byId("pictures").hidden = !model.takes_image;
      crop();
    },
    read: () => (field.hidden ? undefined : chosen),
    /** @param {Video} video */
    askedFor: (video) => pictureOf(video, name),
    /** @param {Video} video */
    fill: (video) => choose(pictureOf(video, name)),
    /** @param {string} param */
    fieldOf: (param) => param,
    point: () => undefined,
  };
}

/**
 * Returns the picture of a video as another request names it; undefined if it has none.
 *
 * @param {Video} video
 * @param {string} name
 */
function pictureOf({ id, params }, name) {
  return /** @type {Record<string, unknown>} */ (params)[name] ? { video_id: id } : undefined;
}

const fields = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-picture]")]);

export const pictureFields = fields.map(pictureField);
