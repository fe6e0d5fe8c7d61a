/** @jsxImportSource hono/jsx */
import type { Child } from "hono/jsx";
import type { openApiDocument } from "../openapi/document.ts";
import { PROBLEM_CODES, STATUS_OF } from "../problem.ts";
import { curlExample } from "./curl-example.ts";
import {
  boundsOf,
  type Field,
  fieldsOf,
  type JsonSchema,
  referenceIn,
  typeOf,
  valuesOf,
} from "./json-schema.ts";
import { Page } from "./layout.tsx";
import { MEANINGS } from "./problem-meanings.ts";

interface OperationObject {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security?: readonly unknown[];
  readonly parameters: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema: JsonSchema;
  }[];
  readonly requestBody?: {
    readonly content: { readonly "application/json": { readonly schema: JsonSchema } };
  };
  readonly responses: Readonly<
    Record<
      string,
      { readonly description: string; readonly content?: Readonly<Record<string, { schema: JsonSchema }>> }
    >
  >;
}

interface Document {
  readonly info: { readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

interface Route {
  readonly method: string;
  readonly path: string;
  readonly operation: OperationObject;
}

/** Renders the API reference from the OpenAPI document. The page needs no script. */
export function reference(openApi: ReturnType<typeof openApiDocument>) {
  const { info, paths, components } = openApi as unknown as Document;
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): Route => ({ method, path, operation })),
  );
  const tags = [...new Set(routes.map(({ operation }) => operation.tags[0]!))];
  const byTag = tags.map((tag): [string, Route[]] => [
    tag,
    routes.filter(({ operation }) => operation.tags[0] === tag),
  ]);
  const schemas = Object.entries(components.schemas);
  return (
    <Page title="Adareel API reference" path="/docs">
      <div class="reference">
        <Contents byTag={byTag} schemas={schemas.map(([name]) => name)} />
        <article>
          <h1>API reference</h1>
          <p class="faint">Version {info.version}</p>
          <p>{info.description}</p>
          <Introduction />
          {byTag.map(([tag, tagged]) => (
            <section aria-labelledby={`tag-${tag}`}>
              <h2 id={`tag-${tag}`}>{tag}</h2>
              {tagged.map((route) => (
                <Operation {...route} />
              ))}
            </section>
          ))}
          <Errors />
          <section aria-labelledby="schemas">
            <h2 id="schemas">Objects</h2>
            {schemas.map(([name, schema]) => (
              <section class="operation" aria-labelledby={`schema-${name}`}>
                <h3 id={`schema-${name}`}>{name}</h3>
                <Fields fields={fieldsOf(schema)} showsRequired={false} />
              </section>
            ))}
          </section>
        </article>
      </div>
    </Page>
  );
}

function Contents({ byTag, schemas }: { byTag: [string, Route[]][]; schemas: string[] }) {
  return (
    <nav class="contents" aria-label="Contents">
      <details open>
        <summary>Contents</summary>
        <ul>
          <li>
            <a href="#begin">Begin</a>
          </li>
          {byTag.map(([tag, routes]) => (
            <li>
              <a href={`#tag-${tag}`}>{tag}</a>
              <ul>
                {routes.map(({ operation }) => (
                  <li>
                    <a href={`#${operation.operationId}`}>{shortened(operation.summary)}</a>
                  </li>
                ))}
              </ul>
            </li>
          ))}
          <li>
            <a href="#errors">Errors</a>
          </li>
          <li>
            <a href="#schemas">Objects</a>
            <ul>
              {schemas.map((name) => (
                <li>
                  <a href={`#schema-${name}`}>{name}</a>
                </li>
              ))}
            </ul>
          </li>
        </ul>
      </details>
    </nav>
  );
}

/** Returns the part of a summary before its first comma or semicolon. */
const shortened = (summary: string) => summary.replace(/[,;].*/, "").replaceAll("`", "");

function Introduction() {
  return (
    <section aria-labelledby="begin">
      <h2 id="begin">Begin</h2>
      <p>
        Every request carries an API key, <code>Authorization: Bearer adr_…</code>, but for the few that say
        otherwise. The examples read both the key and the address of the service from the environment:
      </p>
      <pre>{`export ADAREEL_URL=http://localhost:3000\nexport ADAREEL_API_KEY=adr_…`}</pre>
      <p>
        A video is made in the background: create it, then get it until its <code>status</code> is{" "}
        <code>completed</code> or <code>failed</code>, or have a webhook tell you. The videos speak the wire
        format of OpenAI's Videos API, so its clients work with this address as their base URL. Fields the API
        does not know are refused by name.
      </p>
    </section>
  );
}

function Operation({ method, path, operation }: Route) {
  const { operationId, summary, description, security, parameters, requestBody, responses } = operation;
  const body = requestBody?.content["application/json"].schema ?? null;
  const isPublic = security?.length === 0;
  return (
    <section class="operation" aria-labelledby={operationId}>
      <h3 id={operationId}>
        <a href={`#${operationId}`}>
          <Text>{summary}</Text>
        </a>
      </h3>
      <p class="route">
        <b class={method}>{method.toUpperCase()}</b> <code>{path}</code>
      </p>
      {description && (
        <p>
          <Text>{description}</Text>
        </p>
      )}
      {isPublic && <p class="faint">Needs no API key.</p>}
      {parameters.length > 0 && (
        <>
          <h4>Parameters</h4>
          <Fields
            fields={parameters.map(({ name, in: place, required = false, schema, description: text }) => ({
              name,
              isRequired: required,
              schema: {
                ...schema,
                description: [`In the ${place}.`, text ?? schema.description].filter(Boolean).join(" "),
              },
              fields: [],
            }))}
          />
        </>
      )}
      {body && (
        <>
          <h4>Body</h4>
          <Fields fields={fieldsOf(body)} />
        </>
      )}
      <h4>Example</h4>
      <pre>{curlExample({ method, path, isPublic, body })}</pre>
      <h4>Answers</h4>
      <ul class="answers">
        {Object.entries(responses).map(([status, { description: text, content }]) => (
          <li>
            <b class={status < "400" ? "good" : "bad"}>{status}</b>{" "}
            <Answer text={text} schema={content?.["application/json"]?.schema} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Answer({ text, schema }: { text: string; schema: JsonSchema | undefined }) {
  if (!schema) return <Codes text={text} />;
  const fields = schema.$ref ? [] : fieldsOf(schema);
  return (
    <>
      <Type schema={schema} />
      {fields.length > 0 && <Fields fields={fields} showsRequired={false} />}
    </>
  );
}

/** Description of a response. A list of error codes is shown as links to their explanations. */
function Codes({ text }: { text: string }) {
  const codes = PROBLEM_CODES.filter((code) => text.split(/[ ,.]+/).includes(code));
  if (codes.length === 0) return <Text>{text}</Text>;
  return (
    <>
      {codes.map((code, index) => (
        <>
          {index > 0 && ", "}
          <a href={`#error-${code}`}>
            <code>{code}</code>
          </a>
        </>
      ))}
    </>
  );
}

function Fields({ fields, showsRequired = true }: { fields: readonly Field[]; showsRequired?: boolean }) {
  return (
    <ul class="members">
      {fields.map(({ name, isRequired, schema, fields: inner }) => (
        <li>
          <code>{name}</code> <Type schema={schema} /> {showsRequired && isRequired && <em>required</em>}
          <Meaning schema={schema} />
          {inner.length > 0 && (
            <details>
              <summary>Members of {name}</summary>
              <Fields fields={inner} showsRequired={showsRequired} />
            </details>
          )}
        </li>
      ))}
    </ul>
  );
}

function Type({ schema }: { schema: JsonSchema }) {
  const component = referenceIn(schema);
  return (
    <span class="type">
      {component ? <a href={`#schema-${component}`}>{typeOf(schema)}</a> : typeOf(schema)}
    </span>
  );
}

function Meaning({ schema }: { schema: JsonSchema }) {
  const [bounds, values] = [boundsOf(schema), valuesOf(schema)];
  const { description, default: usual } = schema;
  if (!description && bounds.length + values.length === 0 && usual === undefined) return null;
  return (
    <p>
      {description && <Text>{`${description} `}</Text>}
      <span class="faint">
        {values.length > 0 && (
          <Text>{`${values.length > 1 ? "One of" : "Always"} ${values.map(code).join(", ")}. `}</Text>
        )}
        {bounds.length > 0 && `${sentence(bounds.join("; "))} `}
        {usual !== undefined && <Text>{`Default ${code(JSON.stringify(usual))}.`}</Text>}
      </span>
    </p>
  );
}

function Errors() {
  return (
    <section aria-labelledby="errors">
      <h2 id="errors">Errors</h2>
      <p>
        A request that fails is answered with <code>application/problem+json</code>: the members of RFC 9457,
        and an <code>error</code> object whose <code>param</code> names the field to blame. See{" "}
        <a href="#schema-Problem">Problem</a>.
      </p>
      <dl class="codes">
        {PROBLEM_CODES.map((code) => (
          <div id={`error-${code}`}>
            <dt>
              <code>{code}</code> <b>{STATUS_OF[code]}</b>
            </dt>
            <dd>
              <Text>{MEANINGS[code]}</Text>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** Text whose parts between backticks are shown as code. */
function Text({ children }: { children: string }) {
  const parts: Child[] = children
    .split("`")
    .map((part, index) => (index % 2 === 1 ? <code>{part}</code> : part));
  return <>{parts}</>;
}

const code = (text: string) => `\`${text}\``;

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
