/** @jsxImportSource hono/jsx */
import type { ApiDeps } from "../../env.ts";
import type { openApiDocument } from "../../openapi/document.ts";
import { fieldsOf } from "../json-schema.ts";
import { type Description, describeApi, type Route } from "./description.ts";
import { errorsPage } from "./errors-page.tsx";
import { Fields } from "./fields.tsx";
import { Operation, operationPrograms } from "./operation.tsx";
import type { ReferencePage, Section } from "./page.ts";
import { P } from "./parts.tsx";
import { requestsPage } from "./requests-page.tsx";
import { startPage } from "./start-page.tsx";
import { triggersGuide } from "./triggers-guide.tsx";
import { ModelTable, videoValues } from "./video-values.tsx";
import { webhooksGuide } from "./webhooks-guide.tsx";

/** Pages of the operations: the tag of those operations, and the objects described on each. */
const RESOURCES = [
  {
    tag: "Videos",
    path: "/docs/videos",
    objects: ["Video", "VideoEvents"],
    lead: "Create videos, wait for them, and download them.",
    guide: videoValues,
  },
  {
    tag: "Webhooks",
    path: "/docs/webhooks",
    objects: ["WebhookEndpoint", "WebhookEndpointWithSecret"],
    lead: "Be told when a video is finished, instead of asking.",
    guide: webhooksGuide,
  },
  {
    tag: "Triggers",
    path: "/docs/triggers",
    objects: ["Trigger", "TriggerWithSecret"],
    lead: "Turn webhooks of other services into videos.",
    guide: triggersGuide,
  },
  {
    tag: "Models",
    path: "/docs/models",
    objects: ["Model"],
    lead: "What this deployment can make, and whether it answers.",
    guide: modelsGuide,
  },
] as const;

/** Makes all pages of the reference, in the order of its contents. */
export function referencePages(deps: ApiDeps, openApi: ReturnType<typeof openApiDocument>): ReferencePage[] {
  const description = describeApi(openApi);
  const { version, routes, schemas } = description;
  const errors = errorsPage(deps, description);
  const homes = new Map<string, string>(
    RESOURCES.flatMap(({ path, objects }) => objects.map((name) => [name, path] as const)),
  );
  const objectUrl = (name: string) => `${homes.get(name) ?? errors.path}#schema-${name}`;
  const objects = (names: readonly string[]) =>
    names.map((name) => objectSection(name, description, objectUrl));
  const resources = RESOURCES.map(({ tag, path, objects: names, lead, guide }) => {
    const own = routes.filter(({ operation }) => operation.tags[0] === tag);
    const operations = own.map((route) => operationSection(route, deps, objectUrl));
    const sections = [...guide(deps), ...operations, ...objects(names)];
    return { page: { path, title: tag, lead, sections }, routes: own };
  });
  const homeless = Object.keys(schemas).filter((name) => !homes.has(name));
  return [
    startPage({ version, operations: resources, schemas: Object.keys(schemas), objectUrl }),
    requestsPage(deps),
    ...resources.map(({ page }) => page),
    { ...errors, sections: [...errors.sections, ...objects(homeless)] },
  ];
}

function operationSection(route: Route, deps: ApiDeps, objectUrl: (name: string) => string): Section {
  const { operation, path, method } = route;
  const { operationId, summary, parameters, requestBody } = operation;
  const body = requestBody?.content["application/json"].schema;
  const fields = parameters.map(({ name, schema, description = "" }) => ({
    name,
    isRequired: false,
    schema: { description, ...schema },
    fields: [],
  }));
  return {
    id: operationId,
    title: summary.replaceAll("`", ""),
    kind: "operation",
    words: `${operationId} ${method.toUpperCase()} ${path}`,
    content: <Operation {...route} programs={operationPrograms(route, deps)} objectUrl={objectUrl} />,
    fields: [...fields, ...(body ? fieldsOf(body) : [])],
  };
}

function objectSection(name: string, { schemas }: Description, objectUrl: (name: string) => string): Section {
  const fields = fieldsOf(schemas[name]!);
  return {
    id: `schema-${name}`,
    title: name,
    kind: "object",
    content: <Fields fields={fields} of={`schema-${name}`} showsRequired={false} objectUrl={objectUrl} />,
    fields,
  };
}

function modelsGuide({ models }: ApiDeps): Section[] {
  return [
    {
      id: "deployed",
      title: "The models of this deployment",
      kind: "guide",
      words: "sizes frames fps steps guidance default",
      content: (
        <>
          <P>
            Every value that each model takes. A value that a request leaves out is the first of its row; so
            is the model.
          </P>
          <ModelTable models={models} />
        </>
      ),
    },
  ];
}
