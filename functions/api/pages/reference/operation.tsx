/** @jsxImportSource hono/jsx */
import { STATUS_CODES } from "node:http";
import type { ApiDeps } from "../../env.ts";
import { operationExamples } from "../../openapi/examples/operation-examples.ts";
import { DONE } from "../../openapi/operation.ts";
import { fieldsOf } from "../json-schema.ts";
import type { OperationObject, Route } from "./description.ts";
import { Fields, Type } from "./fields.tsx";
import { json } from "./literal.ts";
import { Code, Programs, Text } from "./parts.tsx";
import { type Programs as ProgramsOf, programsOf } from "./programs.ts";
import { READERS } from "./readers.ts";
import { SENDERS } from "./senders.ts";

/** Files in which programs save answers that are not JSON, by operation. */
const FILES: Readonly<Record<string, string>> = {
  getVideoContent: "video.mp4",
  getVideoSchedule: "schedule.svg",
};

/** Programs of operations whose request has to be signed, or whose answer is read as it comes. */
const OWN: Readonly<Record<string, ProgramsOf>> = { invokeTrigger: SENDERS, streamVideo: READERS };

/** Returns the programs that send the request of an operation with its first example. */
export function operationPrograms(
  { method, path, operation }: Route,
  deps: Pick<ApiDeps, "models" | "limits" | "retentionMs" | "version">,
): ProgramsOf {
  const { operationId: id, security, requestBody } = operation;
  const [body] = Object.values(requestBody?.content["application/json"].examples ?? {});
  const { query } = operationExamples(deps, deps.version)[id] ?? {};
  return (
    OWN[id] ??
    programsOf({
      method,
      path,
      isPublic: security?.length === 0,
      model: deps.models[0].name,
      ...(query && { query }),
      ...(body && { body: body.value }),
      ...(FILES[id] && { file: FILES[id] }),
    })
  );
}

interface OperationProps extends Route {
  readonly programs: ProgramsOf;
  readonly objectUrl: (name: string) => string;
}

/** Description of an operation beside its programs and examples. */
export function Operation({ method, path, operation, programs, objectUrl }: OperationProps) {
  const { operationId, summary, description, security, requestBody } = operation;
  const body = requestBody?.content["application/json"].schema;
  return (
    <div class="columns">
      <div class="told">
        <p class="route">
          <b class={method}>{method.toUpperCase()}</b> <code>{path}</code>
        </p>
        {description && (
          <p>
            <Text>{description}</Text>
          </p>
        )}
        {security?.length === 0 && <p class="faint">Needs no API key.</p>}
        <Parameters operation={operation} objectUrl={objectUrl} />
        {body && (
          <>
            <h3>Body</h3>
            <Fields fields={fieldsOf(body)} of={operationId} objectUrl={objectUrl} />
          </>
        )}
        <h3>Answer</h3>
        <Returned operation={operation} objectUrl={objectUrl} />
        <Problems operation={operation} />
      </div>
      <div class="shown">
        <Programs programs={programs} label={`${summary}: programs`} />
        <Bodies operation={operation} />
        <Answers operation={operation} />
      </div>
    </div>
  );
}

type Part = Pick<OperationProps, "operation" | "objectUrl">;

function Parameters({ operation: { operationId, parameters }, objectUrl }: Part) {
  if (parameters.length === 0) return null;
  const fields = parameters.map(({ name, in: place, required = false, schema, description }) => ({
    name,
    isRequired: required,
    schema: {
      ...schema,
      description: [`In the ${place}.`, description ?? schema.description].filter(Boolean).join(" "),
    },
    fields: [],
  }));
  return (
    <>
      <h3>Parameters</h3>
      <Fields fields={fields} of={operationId} objectUrl={objectUrl} />
    </>
  );
}

function Returned({ operation: { operationId, responses }, objectUrl }: Part) {
  const answers = Object.entries(responses).filter(([status]) => status < "400");
  return (
    <ul class="answers">
      {answers.map(([status, { description, content = {} }]) => {
        const schema = content["application/json"]?.schema;
        const fields = schema && !schema.$ref ? fieldsOf(schema) : [];
        const isUsual = description === DONE;
        return (
          <li>
            <b>{status}</b> {schema && <Type schema={schema} objectUrl={objectUrl} />}{" "}
            {!isUsual && <Text>{description}</Text>}
            {fields.length > 0 && (
              <details>
                <summary>
                  {fields.length} {fields.length === 1 ? "member" : "members"}
                </summary>
                <Fields
                  fields={fields}
                  of={`${operationId}.${status}`}
                  showsRequired={false}
                  objectUrl={objectUrl}
                />
              </details>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Problems({ operation: { responses } }: { readonly operation: OperationObject }) {
  const problems = Object.entries(responses).flatMap(([status, { content = {} }]) =>
    Object.entries(content["application/problem+json"]?.examples ?? {}).map(([code, { summary }]) => ({
      status,
      code,
      summary,
    })),
  );
  return (
    <details class="problems">
      <summary>
        {problems.length} {problems.length === 1 ? "error" : "errors"}
      </summary>
      <dl>
        {problems.map(({ status, code, summary }) => (
          <div>
            <dt>
              <b>{status}</b>{" "}
              <a href={`/docs/errors#error-${code}`}>
                <code>{code}</code>
              </a>
            </dt>
            <dd>{summary}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}

/** Bodies of requests besides the one that the programs send. */
function Bodies({ operation: { operationId, requestBody } }: { readonly operation: OperationObject }) {
  const [, ...others] = Object.values(requestBody?.content["application/json"].examples ?? {});
  if (others.length === 0) return null;
  return (
    <div class="examples">
      <p class="caption">Other bodies</p>
      {others.map(({ summary, value }) => (
        <details name={`${operationId}-bodies`}>
          <summary>{summary}</summary>
          <Code>{typeof value === "string" ? value : json(value)}</Code>
        </details>
      ))}
    </div>
  );
}

/** Media types of the answers that have examples. */
const ANSWER_TYPES = ["application/json", "text/event-stream"];

function Answers({ operation: { operationId, responses } }: { readonly operation: OperationObject }) {
  const answers = Object.entries(responses)
    .filter(([status]) => status < "400")
    .flatMap(([status, { content = {} }]) =>
      ANSWER_TYPES.flatMap((type) =>
        Object.values(content[type]?.examples ?? {}).map((example) => ({ status, ...example })),
      ),
    );
  if (answers.length === 0) return null;
  return (
    <div class="examples">
      <p class="caption">Answers</p>
      {answers.map(({ status, summary, value }, index) => (
        <details name={`${operationId}-answers`} open={index === 0}>
          <summary>
            <b>{status}</b> {summary}
            <span class="unseen"> {STATUS_CODES[status]}</span>
          </summary>
          <Code>{typeof value === "string" ? value : json(value)}</Code>
        </details>
      ))}
    </div>
  );
}
