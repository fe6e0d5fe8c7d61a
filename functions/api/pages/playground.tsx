/** @jsxImportSource hono/jsx */
import type { PropsWithChildren } from "hono/jsx";
import { publishedColumns, publishedExplanations } from "../../../lib/generation/caching/index.ts";
import { Player, Scrollable } from "../../../lib/shared/page/index.ts";
import type { ApiDeps } from "../env.ts";
import { Page } from "./layout.tsx";

/** In the words that the demo model was taught. */
const EXAMPLES = [
  "a red circle moves fast to the left over blue stripes",
  "a green square bounces around over a white gradient",
  "a yellow ring moves slowly up over purple stripes",
  "a small orange cross grows over a black checkerboard",
];

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

const SCHEDULE_COLUMNS = JSON.stringify(
  publishedColumns.map(({ key, label, description }) => ({ key, label, description })),
);

/** The page that makes videos. What a deployment offers is filled in from GET /v1/models, once there is a key. */
export function playground({ limits }: Pick<ApiDeps, "limits">) {
  return (
    <Page title="Adareel playground" path="/" scripts={["player.js", "playground.js"]}>
      <noscript>
        <p class="notice">
          The playground needs JavaScript. The <a href="/docs">API reference</a> does not, and shows how to
          make videos with curl.
        </p>
      </noscript>
      <h1 class="unseen">Playground</h1>
      <output class="unseen" id="announcer" />
      <div class="workbench">
        <form id="order" novalidate autocomplete="off">
          <KeyField />
          <fieldset id="settings" disabled>
            <legend class="unseen">Video</legend>
            <PromptField charactersMax={limits.promptCharactersMax} />
            <ShapeFields />
            <CacheFields />
            <p class="error" id="order-error" role="alert" hidden />
            <button class="primary" type="submit">
              Generate
            </button>
          </fieldset>
        </form>
        <Stage />
        <section class="recent" aria-labelledby="recent-heading">
          <h2 id="recent-heading">Recent videos</h2>
          <p class="faint" id="recent-empty">
            None yet.
          </p>
          <ul id="recent" />
          <button type="button" id="older" hidden>
            Show older
          </button>
        </section>
      </div>
    </Page>
  );
}

interface FieldProps {
  /** As the API calls it, so that an error that names it finds it. */
  readonly name: string;
  readonly label: string;
  readonly hint?: string;
}

function Field({ name, label, hint, children }: PropsWithChildren<FieldProps>) {
  return (
    <div class="field">
      <label for={name}>
        {label} {hint && <small>{hint}</small>}
      </label>
      {children}
      <p class="error" id={`${name}-error`} hidden />
    </div>
  );
}

const named = (name: string) => ({ id: name, name, "aria-describedby": `${name}-error` });

function KeyField() {
  return (
    <Field name="key" label="API key">
      <div class="joined">
        <input
          id="key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          placeholder="adr_…"
          aria-describedby="key-error key-state"
        />
        <button type="button" id="use-key">
          Use
        </button>
      </div>
      <p class="faint" id="key-state">
        Kept in this tab only. <code>npm start</code> prints one when it first runs.
      </p>
    </Field>
  );
}

function PromptField({ charactersMax }: { charactersMax: number }) {
  return (
    <>
      <Field name="prompt" label="Prompt">
        <textarea {...named("prompt")} rows={3} maxlength={charactersMax} required />
      </Field>
      <fieldset class="chips">
        <legend class="unseen">Example prompts</legend>
        {EXAMPLES.map((example) => (
          <button type="button" data-example={example}>
            {example}
          </button>
        ))}
      </fieldset>
      <Field name="negative_prompt" label="Negative prompt" hint="what to steer away from">
        <input {...named("negative_prompt")} type="text" maxlength={4000} />
      </Field>
    </>
  );
}

function ShapeFields() {
  return (
    <div class="fields">
      <Field name="model" label="Model">
        <select {...named("model")} />
      </Field>
      <Field name="size" label="Size">
        <select {...named("size")} />
      </Field>
      <Field name="num_frames" label="Length">
        <select {...named("num_frames")} />
      </Field>
      <Field name="fps" label="Frame rate">
        <select {...named("fps")} />
      </Field>
      <Field name="steps" label="Steps">
        <input {...named("steps")} type="number" min="1" max="1000" step="1" inputmode="numeric" />
      </Field>
      <Field name="guidance_scale" label="Guidance">
        <input {...named("guidance_scale")} type="number" min="0" max="100" step="any" inputmode="decimal" />
      </Field>
      <div class="wide-field">
        <Field name="seed" label="Seed" hint="drawn when left empty">
          <div class="joined">
            <input {...named("seed")} type="number" min="0" step="1" inputmode="numeric" />
            <button type="button" id="draw">
              Draw
            </button>
          </div>
        </Field>
      </div>
    </div>
  );
}

function CacheFields() {
  return (
    <fieldset class="cache">
      <legend>Cache</legend>
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

function Stage() {
  return (
    <section class="stage" aria-labelledby="stage-heading">
      <h2 id="stage-heading" tabindex={-1}>
        Your video appears here
      </h2>
      <p class="faint" id="about">
        It begins with your API key.
      </p>
      <div id="waiting">
        <div class="strip" aria-hidden="true">
          {Array.from({ length: 30 }, () => (
            <i />
          ))}
        </div>
        <p class="faint">
          Each bar is a denoising step. The bright ones are computed; the pale ones reuse what the last
          computed one did.
        </p>
      </div>
      <div id="progress" hidden>
        <div class="progress-line">
          <span id="stage-name" />
          <span id="stage-detail" />
        </div>
        <progress id="bar" max="100" value="0" aria-labelledby="stage-name" />
        <button type="button" id="cancel">
          Cancel
        </button>
      </div>
      <p class="failure" id="failure" hidden />
      <div id="result" hidden>
        <Player name="Playback" figuresId="figures" />
        <div class="actions">
          <button type="button" class="primary" id="compare">
            Compare with no cache
          </button>
          <button type="button" id="reuse">
            Use these settings
          </button>
          <a class="button" id="download" href="#stage-heading">
            Download
          </a>
        </div>
        <dl class="figures" id="numbers" />
        <h3>What was computed</h3>
        <p id="receipt" data-explanations={JSON.stringify(publishedExplanations)} />
        <Scrollable id="chart" name="Chart of the schedule" />
        <details>
          <summary>The schedule in numbers</summary>
          <Scrollable id="table" name="Table of the schedule" data-columns={SCHEDULE_COLUMNS} />
        </details>
        <h3>Where the time went</h3>
        <dl class="times" id="times" />
      </div>
      <div id="raw" hidden>
        <details>
          <summary>The request as curl</summary>
          <Scrollable id="curl" name="curl command" isText />
          <button type="button" id="copy">
            Copy
          </button>
        </details>
        <details>
          <summary>The video as JSON</summary>
          <Scrollable id="json" name="JSON of the video" isText />
        </details>
      </div>
    </section>
  );
}
