/** @jsxImportSource hono/jsx */
import { policyChoices } from "../../../lib/generation/caching/index.ts";
import { Field, named } from "./field.tsx";

/** Choices of the cache: what the API takes besides the names of policies, and the policies with a choice. */
const CHOICES = [
  {
    word: "auto",
    label: "Auto",
    meaning: "The service chooses which steps to compute: fast, with motion regularisation.",
    options: [],
  },
  ...policyChoices.toReversed(),
  {
    word: "own",
    label: "Own",
    meaning: "A codebook of yours: rows of ascending distance.",
    options: ["codebook", "motion", "warmup"],
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
        {CHOICES.map(({ word, label, meaning, options }) => (
          <label title={meaning}>
            <input
              type="radio"
              name="policy"
              value={word}
              checked={word === "auto"}
              aria-describedby="cache-meaning"
              data-meaning={meaning}
              data-options={options.join(" ")}
            />
            <span>{label}</span>
          </label>
        ))}
      </div>
      <p class="faint" id="cache-meaning" />
      <p class="error" id="cache-error" hidden />
      <div id="cache-own" hidden>
        <Field name="cache.codebook" label="Codebook" hint="distance below, steps to the next computed one">
          <textarea {...named("cache.codebook")} rows={5} spellcheck={false} class="code">
            {CODEBOOK}
          </textarea>
        </Field>
      </div>
      <div class="fields" id="cache-details" hidden>
        <label class="check" id="motion-label">
          <input type="checkbox" id="motion" checked /> Compute more where more moves
        </label>
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
    </fieldset>
  );
}
