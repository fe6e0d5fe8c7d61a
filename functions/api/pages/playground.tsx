/** @jsxImportSource hono/jsx */
import type { ApiDeps } from "../env.ts";
import { Field } from "./field.tsx";
import { Page } from "./layout.tsx";
import { RequestFields } from "./request-fields.tsx";
import { Stage } from "./stage.tsx";

/** Renders the playground. Once there is a key, the browser fills in the models and limits from GET /v1/models. */
export function playground({ limits }: Pick<ApiDeps, "limits">) {
  return (
    <Page
      title="Adareel playground"
      path="/"
      styles={["playground.css"]}
      scripts={["player.js", "playground.js"]}
    >
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
            <div class="send">
              <p class="error" id="order-error" role="alert" hidden />
              <button
                class="primary"
                type="submit"
                id="generate"
                aria-keyshortcuts="Control+Enter Meta+Enter"
              >
                Generate
              </button>
              <small id="shortcut" aria-hidden="true">
                Ctrl + Enter
              </small>
            </div>
          </fieldset>
        </form>
        <Stage />
        <section class="recent" aria-labelledby="recent-heading">
          <h2 id="recent-heading">Recent videos</h2>
          <p class="faint" id="recent-state">
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

/** Field of the API key. Once the service accepts the key, one line takes its place. */
function KeyField() {
  return (
    <div>
      <div id="key-entry">
        <Field name="key" label="API key">
          <div class="joined">
            <input
              id="key"
              type="password"
              autocomplete="off"
              spellcheck={false}
              placeholder="adr_…"
              aria-describedby="key-error key-kept"
            />
            <button type="button" id="connect">
              Connect
            </button>
          </div>
        </Field>
        <p class="faint" id="key-kept">
          Kept in this tab only. <code>npm start</code> prints a link that brings one.
        </p>
      </div>
      <p class="faint connected" id="connected" hidden>
        <span id="connected-how">Connected</span>
        <button type="button" class="quiet" id="change-key">
          Change key
        </button>
      </p>
    </div>
  );
}
