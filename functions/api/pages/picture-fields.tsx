/** @jsxImportSource hono/jsx */

/** Kinds of pictures that the API reads. */
const ACCEPTED = "image/png,image/jpeg,image/webp,image/gif,image/tiff,image/avif";

/** Controls of the pictures that a video is made of; `browser/picture-field.js` shows those that the model takes. */
export function PictureFields() {
  return (
    <div class="pictures" id="pictures" hidden>
      <PictureField name="input_reference" taken="takes_image" label="First picture" />
      <PictureField name="last_image" taken="takes_last_image" label="Last picture" />
    </div>
  );
}

interface PictureFieldProps {
  readonly name: string;
  /** Member of a model in the API that says whether it takes the picture. */
  readonly taken: string;
  readonly label: string;
}

function PictureField({ name, taken, label }: PictureFieldProps) {
  return (
    <div class="field picture-field" id={`${name}-field`} data-picture={name} data-taken={taken} hidden>
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
