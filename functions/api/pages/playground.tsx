/** @jsxImportSource hono/jsx */
import { publishedColumns, publishedExplanations } from "../../../lib/generation/caching/index.ts";
import { type Control, REQUEST_CONTROLS } from "../../../lib/generation/request/index.ts";
import { Player, Scrollable } from "../../../lib/shared/page/index.ts";
import type { ApiDeps } from "../env.ts";
import { Field } from "./field.tsx";
import { Page } from "./layout.tsx";
import { RequestField } from "./request-field.tsx";

/** Example prompts, in the vocabulary of the demo model. */
const EXAMPLES = [
  "a red circle moves fast to the left over blue stripes",
  "a green square bounces around over a white gradient",
  "a yellow ring moves slowly up over purple stripes",
  "a small orange cross grows over a black checkerboard",
];

const SCHEDULE_COLUMNS = JSON.stringify(
  publishedColumns.map(({ key, label, description }) => ({ key, label, description })),
);

/** Renders the playground. Once there is a key, the browser fills in the models and limits from GET /v1/models. */
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
            <RequestFields charactersMax={limits.promptCharactersMax} />
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

/** Places the example prompts below the prompt, and the controls that are not texts in a grid. */
function RequestFields({ charactersMax }: { charactersMax: number }) {
  const [prompt, ...controls] = REQUEST_CONTROLS;
  const isText = ({ kind }: Control) => kind.name === "text";
  const isLarge = ({ kind }: Control) => kind.name === "cache";
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
      {controls.filter(isText).map((control) => (
        <RequestField control={control} />
      ))}
      <div class="fields">
        {controls
          .filter((control) => !isText(control) && !isLarge(control))
          .map((control) => (
            <RequestField control={control} />
          ))}
      </div>
      {controls.filter(isLarge).map((control) => (
        <RequestField control={control} />
      ))}
    </>
  );
}

function Stage() {
  return (
    <section class="stage" aria-labelledby="stage-heading">
      <h2 id="stage-heading" tabindex={-1}>
        Your video appears here
      </h2>
      <p class="faint" id="about">
        Enter your API key to begin.
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
