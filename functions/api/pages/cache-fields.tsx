/** @jsxImportSource hono/jsx */
import { policyChoices } from "../../../lib/generation/caching/index.ts";
import { Field, named } from "./field.tsx";

/** Policies in the order of their buttons: the usual one, the names that everybody knows, and the promises. */
const ORDER = ["auto", "off", "fast", "slow"];

const placeOf = (word: string) => (ORDER.includes(word) ? ORDER.indexOf(word) : ORDER.length);

/** Choices of the cache: the policies with a choice, and a codebook of one's own. The first is the usual one. */
const CHOICES = [
  ...policyChoices.toSorted((a, b) => placeOf(a.word) - placeOf(b.word)),
  {
    word: "custom",
    label: "Custom",
    meaning: "Your own codebook: the greater the distance, the sooner the next step is computed.",
    options: ["codebook", "motion", "warmup"],
    input: undefined,
  },
];

const CODEBOOK = `[
  { "below": 0.1, "rate": 4 },
  { "below": 0.3, "rate": 2 },
  { "rate": 1 }
]`;

/** Controls of the cache setting. `browser/cache-field.js` reads them. */
export function CacheFields({ legend }: { readonly legend: string }) {
  return (
    <fieldset class="cache">
      <legend>{legend}</legend>
      <div class="choices">
        {CHOICES.map(({ word, label, meaning, options, input }, index) => (
          <label title={meaning}>
            <input
              type="radio"
              name="policy"
              value={word}
              checked={index === 0}
              aria-describedby="cache-meaning"
              data-meaning={meaning}
              data-options={options.join(" ")}
              data-unit={input?.unit}
            />
            <span>{label}</span>
          </label>
        ))}
      </div>
      <p class="faint" id="cache-meaning" />
      <p class="error" id="cache-error" hidden />
      {CHOICES.map(
        ({ word, label, input }) =>
          input && (
            <div id={`cache-${word}`} hidden>
              <Field name={`cache.${word}`} label={label} hint={input.unit}>
                <input
                  {...named(`cache.${word}`)}
                  type="number"
                  min={input.least}
                  max={input.most}
                  step={input.step}
                  value={input.usual}
                  inputmode={input.step === "1" ? "numeric" : "decimal"}
                />
              </Field>
            </div>
          ),
      )}
      <div id="cache-custom" hidden>
        <Field name="cache.codebook" label="Codebook" hint="rows, or the contents of a codebook file">
          <textarea {...named("cache.codebook")} rows={5} spellcheck={false} class="code">
            {CODEBOOK}
          </textarea>
        </Field>
        <p class="faint" id="codebook-meaning" />
      </div>
    </fieldset>
  );
}

/** Controls of the options that policies have in common. */
export function CacheDetails() {
  return (
    <>
      <div id="warmup-field" hidden>
        <Field name="cache.warmup_steps" label="Warm-up steps">
          <input
            {...named("cache.warmup_steps")}
            type="number"
            min="0"
            max="1000"
            step="1"
            value="0"
            inputmode="numeric"
          />
        </Field>
      </div>
      <label class="check wide-field" id="motion-field" hidden>
        <input type="checkbox" name="motion" /> Compute more where more moves
      </label>
    </>
  );
}
