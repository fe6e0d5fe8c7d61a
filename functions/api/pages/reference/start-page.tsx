/** @jsxImportSource hono/jsx */
import { PROBLEM_CODES, STATUS_OF } from "../../problem.ts";
import { LANGUAGES } from "../languages.ts";
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
    lead: "Text to video that spends on each video only the denoising steps it needs.",
    sections: [
      {
        id: "begin",
        title: "Quick start",
        kind: "guide",
        words: "begin install first video curl environment ADAREEL_URL ADAREEL_API_KEY",
        content: (
          <>
            <P>
              Tell your terminal where this service is and which key is yours. `npm start` printed one; `npm
              run keys -- create` makes another. All examples of this reference read these two variables.
            </P>
            <Sample title="Your terminal">
              export ADAREEL_URL=
              <Address />
              {"\nexport ADAREEL_API_KEY=adr_…"}
            </Sample>
            <P>
              Then make a video. A video is made in the background: create it, get it until its `status` is
              `completed` or `failed`, and download it. Each program is complete: paste it and run it.
            </P>
            <Programs label="Make a video" programs={QUICK_START} />
            <P>
              The finished video has a signed URL, and a receipt of what was computed. Go on with [sizes and
              lengths](/docs/videos#sizes), [the cache](/docs/videos#cache) and [every field of a
              request](/docs/videos#createVideo); let a [webhook](/docs/webhooks) tell you instead of asking;
              or try it by hand in the [playground](/).
            </P>
            <P>
              {`Programs in JavaScript need ${LANGUAGES.javascript.needs}, and are saved as \`.mjs\`; those in ` +
                `Python need ${LANGUAGES.python.needs}. The machine-readable description is ` +
                "[/openapi.json](/openapi.json)."}
            </P>
            <p class="faint">This is version {version}.</p>
          </>
        ),
      },
      {
        id: "sdks",
        title: "With OpenAI's SDKs",
        kind: "guide",
        words: "openai sdk library client base url typescript python",
        content: (
          <>
            <P>
              Videos speak the wire format of OpenAI's Videos API, so its SDKs work with this address and
              `/v1` as their base URL. Fields of this API that an SDK does not know go along: in JavaScript
              beside the others, in Python in `extra_body`.
            </P>
            <Programs label="With OpenAI's SDKs" programs={SDKS} />
          </>
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
