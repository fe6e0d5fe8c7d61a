import { beforeAll, expect, test, vi } from "vitest";
import { parseGenerate, USAGE } from "../functions/cli/args.ts";
import { resolvedRequestSchema } from "../lib/generation/request/index.ts";
import { DOCUMENT } from "./api/routes.ts";
import { type TestApi, testApi } from "./api/support.ts";
import { memoryStore } from "./service/jobs/memory-store.ts";

/** The table with one parameter more, which nothing else knows. */
vi.mock("../lib/generation/request/parameters.ts", async (importOriginal) => {
  const original = await importOriginal<typeof import("../lib/generation/request/parameters.ts")>();
  const { setting } = await import("../lib/generation/request/parameter.ts");
  const { RequestError } = await import("../lib/generation/request/request-error.ts");
  const z = await import("zod");
  const deadline = setting("deadlineSeconds", {
    asked: z.number().min(1).max(600),
    text: "Seconds that denoising may take.",
    takenBy: ["create", "trigger", "remix"],
    stored: z.number().nullable().default(null),
    byDefault: () => null,
    check({ deadlineSeconds }: { deadlineSeconds: number | null }, { steps }) {
      if (deadlineSeconds === 13)
        throw new RequestError(`No model makes ${steps} steps in 13 seconds.`, { field: "deadline" });
    },
    flags: [
      { name: "deadline", reads: { kind: "number" }, value: "SEC", text: "seconds that denoising may take" },
    ],
    control: { label: "Deadline", kind: { name: "number", least: 1, most: 600, isWhole: false } },
  });
  return { ...original, PARAMETERS: { ...original.PARAMETERS, deadline } };
});

let api: TestApi;
beforeAll(async () => {
  api = await testApi({ store: memoryStore() });
});

async function paramsOf(answer: Response): Promise<unknown> {
  expect(answer.status).toBe(200);
  return ((await answer.json()) as { params: unknown }).params;
}

async function refusal(fields: object): Promise<unknown> {
  const answer = await api.send("POST", "/v1/videos", { json: { prompt: "a", ...fields } });
  expect(answer.status).toBe(400);
  return ((await answer.json()) as { error: unknown }).error;
}

test("a declared parameter is taken, stored and told by the API", async () => {
  const { id, params } = await api.create({ deadline: 30 });
  expect(params).toMatchObject({ deadline: 30 });
  const record = await api.deps.jobs.read({ tenant: "acme", id });
  expect(record!.params).toMatchObject({ deadlineSeconds: 30 });
  expect((await api.create()).params).toMatchObject({ deadline: null });
});

test("a declared parameter is refused out of its bounds, and where the model cannot meet it", async () => {
  expect(await refusal({ deadline: 0 })).toMatchObject({ code: "invalid_value", param: "deadline" });
  expect(await refusal({ deadline: 13 })).toMatchObject({
    code: "invalid_value",
    param: "deadline",
    message: "No model makes 30 steps in 13 seconds.",
  });
});

test("a declared parameter is taken by remixes and triggers that it allows", async () => {
  const { id } = await api.create({ deadline: 30 });
  const remix = (json: object) => api.send("POST", `/v1/videos/${id}/remix`, { json });
  expect(await paramsOf(await remix({ prompt: "b" }))).toMatchObject({ deadline: 30 });
  expect(await paramsOf(await remix({ prompt: "b", deadline: 40 }))).toMatchObject({ deadline: 40 });

  const trigger = { prompt: "a", signature: { scheme: "bearer" }, video: { deadline: 50 } };
  const created = (await (await api.send("POST", "/v1/triggers", { json: trigger })).json()) as {
    id: string;
  };
  const rehearsed = await api.send("POST", `/v1/triggers/${created.id}/dry_run`, { json: { payload: {} } });
  expect(await paramsOf(rehearsed)).toMatchObject({ deadline: 50 });
});

test("a declared parameter is documented in requests and answers", () => {
  const document = JSON.stringify(DOCUMENT);
  const asked =
    '"deadline":{"description":"Seconds that denoising may take.","anyOf":[{"type":"number","minimum":1,"maximum":600}';
  expect(document.split(asked).length - 1).toBeGreaterThanOrEqual(4);
  const { properties } = DOCUMENT.components.schemas.Video as unknown as {
    properties: { params: { properties: Record<string, object> } };
  };
  expect(properties.params.properties.deadline).toEqual({
    type: ["number", "null"],
    default: null,
  });
});

test("a declared parameter is a flag of generate, with its line in the usage", () => {
  expect(USAGE).toMatch(/^ {2}--deadline SEC +seconds that denoising may take$/m);
  const surroundings = { folder: "/here", demoModel: "/demo", drawSeed: () => 1 };
  const parse = (...args: string[]) => parseGenerate(["a red circle", ...args], surroundings);
  expect(parse("--deadline", "30")).toHaveProperty("requests.0.deadline", 30);
  expect(parse()).not.toHaveProperty("requests.0.deadline");
  expect(() => parse("--deadline", "soon")).toThrow('--deadline takes a number, not "soon".');
  expect(() => parse("--deadline", "0")).toThrow("--deadline takes a number from 1 to 600, not 0.");
});

test("a declared parameter has a labelled control in the playground's form", async () => {
  const page = await (await api.send("GET", "/", { key: null })).text();
  expect(page).toContain('<label for="deadline">Deadline');
  expect(page).toMatch(/<input id="deadline" name="deadline"[^>]* data-reads="number"/);
});

test("a record from before the parameter was declared is read with its default", async () => {
  const { id } = await api.create();
  const { deadlineSeconds: _, ...params } = (await api.deps.jobs.read({ tenant: "acme", id }))!
    .params as Record<string, unknown>;
  expect(resolvedRequestSchema.parse(params)).toEqual({ ...params, deadlineSeconds: null });
});
