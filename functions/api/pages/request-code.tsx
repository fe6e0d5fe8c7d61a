/** @jsxImportSource hono/jsx */
import { Scrollable } from "../../../lib/shared/page/index.ts";
import { LANGUAGES, type Language } from "./languages.ts";

/** Notes on how the program of each language is run. */
const USES: Readonly<Record<Language, string>> = {
  curl: "Answers at once, with the queued video.",
  javascript: `Needs ${LANGUAGES.javascript.needs}: save it as video.mjs, and run node video.mjs.`,
  python: `Needs ${LANGUAGES.python.needs}: save it as video.py, and run python3 video.py.`,
};

const languages = (Object.keys(LANGUAGES) as Language[]).map((name) => ({
  name,
  label: LANGUAGES[name].label,
  use: USES[name],
}));

/** A video's request as programs that repeat it, and the video as JSON. `browser/request-code.js` fills them in. */
export function RequestCode() {
  return (
    <div id="raw" hidden>
      <details>
        <summary>The request as code</summary>
        <p class="faint">Set these two once, with your key:</p>
        <Copyable id="environment" name="Environment variables" />
        <div role="tablist" class="tabs" aria-label="Language">
          {languages.map(({ name, label }, index) => (
            <button
              type="button"
              role="tab"
              id={`${name}-tab`}
              aria-controls={`${name}-panel`}
              aria-selected={index === 0 ? "true" : "false"}
              tabindex={index === 0 ? 0 : -1}
            >
              {label}
            </button>
          ))}
        </div>
        {languages.map(({ name, label, use }, index) => (
          <div role="tabpanel" id={`${name}-panel`} aria-labelledby={`${name}-tab`} hidden={index > 0}>
            <p class="faint">{use}</p>
            <Copyable id={name} name={`The request in ${label}`} />
          </div>
        ))}
      </details>
      <details>
        <summary>The video as JSON</summary>
        <Copyable id="json" name="JSON of the video" />
      </details>
    </div>
  );
}

/** Text with a button that copies it. */
function Copyable({ id, name }: { readonly id: string; readonly name: string }) {
  return (
    <div class="copyable">
      <Scrollable id={id} name={name} isText />
      <button type="button" data-copies={id} aria-label={`Copy: ${name}`}>
        Copy
      </button>
    </div>
  );
}
