/** @jsxImportSource hono/jsx */
import { Field, named } from "./field.tsx";

const CACHES = [
  ["auto", "Auto", "the service chooses"],
  ["fast", "Fast", "reuses most steps"],
  ["slow", "Slow", "reuses fewer steps"],
  ["off", "Off", "computes every step"],
  ["own", "Own", "a codebook of yours"],
] as const;

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
        {CACHES.map(([value, name, meaning]) => (
          <label title={meaning}>
            <input
              type="radio"
              name="policy"
              value={value}
              checked={value === "auto"}
              aria-describedby="cache-meaning"
            />
            <span>{name}</span>
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
        <label class="check">
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
