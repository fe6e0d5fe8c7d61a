/** @jsxImportSource hono/jsx */
import { PROBLEM_CODES, STATUS_OF } from "../../problem.ts";
import type { Route } from "./description.ts";
import type { ReferencePage } from "./page.ts";
import { Address, P, Programs, Sample } from "./parts.tsx";
import { QUICK_START } from "./quick-start.ts";
import { SDKS } from "./sdks.ts";

interface StartOptions {
  readonly version: string;
  /** Operations by the page that describes them. */
  readonly operations: readonly { readonly page: ReferencePage; readonly routes: readonly Route[] }[];
  readonly schemas: readonly string[];
  readonly objectUrl: (name: string) => string;
}

/** First page of the reference. Every anchor of the reference is on it too, as a link to the page that has it. */
export function startPage({ version, operations, schemas, objectUrl }: StartOptions): ReferencePage {
  return {
    path: "/docs",
    title: "API reference",
    lead: `Text to video that spends on each video only the denoising steps it needs. Version ${version}.`,
    sections: [
      {
        id: "begin",
        title: "Quick start",
        kind: "guide",
        words: "begin install first video curl environment ADAREEL_URL ADAREEL_API_KEY",
        content: (
          <div class="columns">
            <div class="told">
              <ol class="steps">
                <li>
                  <P>
                    Tell your terminal where this service is and which key is yours. `npm start` printed one;
                    `npm run keys -- create` makes another. All examples read these two variables.
                  </P>
                </li>
                <li>
                  <P>Make a video and save it. Each program is complete: paste it and run it.</P>
                </li>
                <li>
                  <P>
                    Then see what a request takes: [sizes and lengths](/docs/videos#sizes), [the
                    cache](/docs/videos#cache), [every field](/docs/videos#createVideo). Let a
                    [webhook](/docs/webhooks) tell you instead of asking.
                  </P>
                </li>
              </ol>
              <P>
                A video is made in the background: create it, then get it until its `status` is `completed` or
                `failed`. The finished one has a signed URL, and a receipt of what was computed. The same can
                be tried by hand in the [playground](/).
              </P>
              <P>
                Programs in JavaScript need Node.js 20 (save them as `.mjs`), those in Python nothing but
                Python 3.9. The machine-readable description is at [/openapi.json](/openapi.json).
              </P>
            </div>
            <div class="shown">
              <Sample title="Your terminal">
                export ADAREEL_URL=
                <Address />
                {"\nexport ADAREEL_API_KEY=adr_…"}
              </Sample>
              <Programs label="Make a video" programs={QUICK_START} />
            </div>
          </div>
        ),
      },
      {
        id: "sdks",
        title: "With OpenAI's SDKs",
        kind: "guide",
        words: "openai sdk library client base url typescript python",
        content: (
          <div class="columns">
            <div class="told">
              <P>
                Videos speak the wire format of OpenAI's Videos API, so its SDKs work with this address and
                `/v1` as their base URL. Fields of this API that the SDK does not know go along: in JavaScript
                beside the others, in Python in `extra_body`.
              </P>
            </div>
            <div class="shown">
              <Programs label="With OpenAI's SDKs" programs={SDKS} />
            </div>
          </div>
        ),
      },
      {
        id: "all",
        title: "All operations",
        kind: "guide",
        content: (
          <div class="all">
            {operations.map(({ page, routes }) => (
              <section>
                <h3 id={`tag-${page.title}`}>
                  <a href={page.path}>{page.title}</a>
                </h3>
                <ul>
                  {routes.map(({ method, path, operation }) => (
                    <li id={operation.operationId}>
                      <a data-moved href={`${page.path}#${operation.operationId}`}>
                        <b class={method}>{method.toUpperCase()}</b> <code>{path}</code>
                      </a>
                      <span class="faint">{operation.summary.replaceAll("`", "")}</span>
                    </li>
                  ))}
                </ul>
              </section>
            ))}
          </div>
        ),
      },
      {
        id: "schemas",
        title: "Objects and errors",
        kind: "guide",
        content: (
          <div class="all">
            <section>
              <h3>Objects</h3>
              <ul>
                {schemas.map((name) => (
                  <li id={`schema-${name}`}>
                    <a data-moved href={objectUrl(name)}>
                      {name}
                    </a>
                  </li>
                ))}
              </ul>
            </section>
            <section>
              <h3 id="errors">
                <a data-moved href="/docs/errors#errors">
                  Errors
                </a>
              </h3>
              <ul class="codes">
                {PROBLEM_CODES.map((code) => (
                  <li id={`error-${code}`}>
                    <a data-moved href={`/docs/errors#error-${code}`}>
                      <b>{STATUS_OF[code]}</b> <code>{code}</code>
                    </a>
                  </li>
                ))}
              </ul>
            </section>
          </div>
        ),
      },
    ],
  };
}
