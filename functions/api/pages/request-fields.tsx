/** @jsxImportSource hono/jsx */
import { type Control, REQUEST_CONTROLS } from "../../../lib/generation/request/index.ts";
import { CacheDetails } from "./cache-fields.tsx";
import { Field, named } from "./field.tsx";
import { PictureFields } from "./picture-fields.tsx";
import { RequestField } from "./request-field.tsx";

/** Example prompts, in the vocabulary of the demo model. */
const EXAMPLES = [
  "a red circle moves fast to the left over blue stripes",
  "a green square bounces around over a white gradient",
  "a black triangle flies down over horizontal red stripes",
  "a purple ring grows",
];

const isChoice = ({ kind }: Control) => kind.name === "choice";
const isCache = ({ kind }: Control) => kind.name === "cache";
const isText = ({ kind }: Control) => kind.name === "text";

/**
 * Controls of a request: the prompt with its examples, pictures, what a model offers to choose from, and the cache. The
 * others are folded, because most videos are made without them.
 */
export function RequestFields({ charactersMax }: { charactersMax: number }) {
  const [prompt, ...controls] = REQUEST_CONTROLS;
  const folded = controls.filter((control) => !isChoice(control) && !isCache(control));
  return (
    <>
      <RequestField control={prompt!} charactersMax={charactersMax} isRequired />
      <fieldset class="chips">
        <legend class="unseen">Example prompts</legend>
        {EXAMPLES.map((example) => (
          <button type="button" data-example={example}>
            {example}
          </button>
        ))}
      </fieldset>
      <PictureFields />
      <div class="fields">
        {controls.filter(isChoice).map((control) => (
          <RequestField control={control} />
        ))}
      </div>
      {controls.filter(isCache).map((control) => (
        <RequestField control={control} />
      ))}
      <details class="folded" id="more-settings">
        <summary>More settings</summary>
        <div class="fields">
          {folded.map((control) =>
            isText(control) ? (
              <div class="wide-field">
                <RequestField control={control} />
              </div>
            ) : (
              <RequestField control={control} />
            ),
          )}
          <CacheDetails />
          <div class="wide-field">
            <Field name="webhook_url" label="Webhook" hint="a URL that is told when the video is over">
              <input {...named("webhook_url")} type="url" inputmode="url" data-reads="string" />
            </Field>
          </div>
        </div>
      </details>
    </>
  );
}
