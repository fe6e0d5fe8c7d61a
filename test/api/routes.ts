import { expect } from "vitest";
import { openApiDocument } from "../../functions/api/openapi/document.ts";
import { type Operation, operationsOf } from "../../functions/api/openapi/operation.ts";
import type { ProblemCode } from "../../functions/api/problem.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { expectProblem } from "./problem.ts";
import { testApi } from "./support.ts";

const { app, deps } = await testApi({ store: memoryStore() });
const { routes } = app;
const ALL: readonly Operation[] = operationsOf(routes);

/** Operations of the API reference. Deletions come last, because other operations need what they delete. */
export const OPERATIONS = [...ALL].sort(
  (a, b) => Number(a.method === "delete") - Number(b.method === "delete"),
);

/** Example bodies of operations that do not accept an empty body. */
export const EXAMPLES: Readonly<Record<string, object>> = {
  createVideo: {
    prompt: "a",
    seed: 1,
    metadata: { a: "b" },
    webhook_url: "https://hooks.example.com",
    cache: { codebook: [{ rate: 2 }] },
  },
  quoteVideo: { prompt: "a", steps: 12 },
  remixVideo: { prompt: "another" },
  createWebhookEndpoint: { url: "https://hooks.example.com" },
  updateWebhookEndpoint: { name: "b" },
  createTrigger: { prompt: "{{/title}}", signature: { scheme: "bearer" }, video: { seed: 2 } },
  updateTrigger: { name: "b", filter: [{ pointer: "/a", equals: null }] },
  dryRunTrigger: { payload: { title: "a fox", a: null } },
};

interface DocumentedOperation {
  readonly parameters: readonly { name: string; schema: { pattern?: string; enum?: string[] } }[];
  readonly requestBody?: { required: boolean };
  readonly responses: Record<string, { description: string }>;
}

interface Document {
  readonly paths: Record<string, Record<string, DocumentedOperation>>;
  readonly components: { readonly schemas: Record<string, object> };
}

export const DOCUMENT = openApiDocument({ ...deps, routes }) as unknown as Document;

/** Fills in the `{id}` of a path. */
export function pathOf({ path }: Operation, id: string): string {
  return path.replace("{id}", id);
}

/** Asserts that an answer is documented, with no member that the reference does not name. */
export async function expectDocumented(operation: Operation, answer: Response): Promise<void> {
  const documented = DOCUMENT.paths[operation.path]![operation.method]!.responses[answer.status];
  expect(documented, `${operation.id} is documented with ${answer.status}`).toBeDefined();
  if (answer.status >= 400) {
    const { error } = (await answer.clone().json()) as { error: { code: ProblemCode } };
    await expectProblem(answer, error.code);
    expect(documented!.description, operation.id).toMatch(new RegExp(`\\b${error.code}\\b`));
    return;
  }
  const schema = operation.responses?.[answer.status]?.returns ?? operation.returns;
  if (schema && answer.headers.get("content-type")?.includes("json")) {
    const body = await answer.json();
    // Parsing drops members that the schema does not name.
    expect(schema.parse(body)).toEqual(body);
  }
}
