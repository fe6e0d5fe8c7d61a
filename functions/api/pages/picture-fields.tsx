/** @jsxImportSource hono/jsx */

/** Kinds of pictures that the API reads. */
const ACCEPTED = "image/png,image/jpeg,image/webp,image/gif,image/tiff,image/avif";

/** Controls of the pictures that a video is made of; `browser/picture-field.js` shows those that the model takes. */
export function PictureFields() {
  return (
    <div class="pictures" id="pictures" hidden>
      <PictureField name="input_reference" label="First picture" />
      <PictureField name="last_image" label="Last picture" />
    </div>
  );
}

function PictureField({ name, label }: { readonly name: string; readonly label: string }) {
  return (
    <div class="field picture-field" id={`${name}-field`} hidden>
      <label for={name}>{label}</label>
      <div class="place" id={`${name}-place`}>
        <img id={`${name}-preview`} alt={`${label}, cropped to the shape of the video`} hidden />
        <p class="faint" id={`${name}-note`}>
          Choose a picture, or drop one here
        </p>
        {/* Without a name: what a file field has cannot be kept in the draft. */}
        <input type="file" id={name} accept={ACCEPTED} aria-describedby={`${name}-error`} />
      </div>
      <button type="button" class="quiet" id={`${name}-remove`} hidden>
        Remove<span class="unseen"> the {label.toLowerCase()}</span>
      </button>
      <p class="error" id={`${name}-error`} hidden />
    </div>
  );
}
