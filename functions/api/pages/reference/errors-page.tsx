/** @jsxImportSource hono/jsx */

import type { ApiDeps } from "../../env.ts";
import { problemExample } from "../../openapi/examples/problem-examples.ts";
import { PROBLEM_CODES, type ProblemCode, STATUS_OF } from "../../problem.ts";
import { FAILURES, MEANINGS } from "../problem-meanings.ts";
import type { Description } from "./description.ts";
import { json } from "./literal.ts";
import type { ReferencePage, Section } from "./page.ts";
import { P, Sample, Table, Text } from "./parts.tsx";

/** Page of the errors: what is wrong, whether a retry helps, and an answer with each of them. */
export function errorsPage(deps: ApiDeps, description: Description): ReferencePage {
  return {
    path: "/docs/errors",
    title: "Errors",
    lead: "A request that fails is answered with a sentence for people and a code for programs.",
    sections: [
      {
        id: "errors",
        title: "The form of an error",
        kind: "guide",
        words: "problem json rfc 9457 status param code message",
        content: (
          <P>
            The content type is `application/problem+json`: the members of RFC 9457, and an `error` object as
            OpenAI's SDKs read it. Branch on `error.code`; show `detail` to people; `error.param` names the
            field to blame, and `request_id` the request to ask about. See [Problem](#schema-Problem).
          </P>
        ),
      },
      {
        id: "retry",
        title: "Which are worth a retry",
        kind: "guide",
        words: "retry again backoff transient",
        content: (
          <Table
            head={["Status", "Code", "Try again"]}
            rows={PROBLEM_CODES.flatMap((code) => {
              const { retry } = MEANINGS[code];
              return retry ? [[String(STATUS_OF[code]), `[${code}](#error-${code})`, retry]] : [];
            })}
          />
        ),
      },
      ...PROBLEM_CODES.map((code) => errorSection(code, deps, description)),
      {
        id: "failures",
        title: "Why videos fail",
        kind: "guide",
        words: `video error ${Object.keys(FAILURES).join(" ")}`,
        content: (
          <>
            <P>The `error.code` of a video whose `status` is `failed`:</P>
            <Table
              head={["Code", "Meaning", "Try again"]}
              rows={Object.entries(FAILURES).map(([code, { text, retry }]) => [
                `\`${code}\``,
                text,
                retry ?? "No.",
              ])}
            />
          </>
        ),
      },
    ],
  };
}

function errorSection(code: ProblemCode, deps: ApiDeps, description: Description): Section {
  const { text, retry } = MEANINGS[code];
  return {
    id: `error-${code}`,
    title: code,
    kind: "error",
    words: `${STATUS_OF[code]} ${text}`,
    content: (
      <div class="columns">
        <div class="told">
          <p>
            <b class="status">{STATUS_OF[code]}</b> <Text>{text}</Text>
          </p>
          <P>{`Try again: ${retry ? retry.charAt(0).toLowerCase() + retry.slice(1) : "no, the request has to change."}`}</P>
        </div>
        <div class="shown">
          <Sample title={String(STATUS_OF[code])}>{json(exampleOf(code, deps, description))}</Sample>
        </div>
      </div>
    ),
  };
}

/** Returns the example of an error from the first operation that has it. */
function exampleOf(code: ProblemCode, deployment: ApiDeps, { routes }: Description): unknown {
  const own = routes
    .flatMap(({ operation }) => Object.values(operation.responses))
    .flatMap(({ content }) => content?.["application/problem+json"]?.examples?.[code] ?? []);
  return (own[0] ?? problemExample(code, null, { deployment, examples: {} })).value;
}
