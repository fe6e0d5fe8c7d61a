import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readModelCard } from "../../lib/distribution/model-store/index.ts";
import { describeModel } from "../../lib/generation/pipeline/index.ts";
import { jobKey } from "../../lib/service/jobs/object-keys.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { type TestApi, testApi } from "../api/support.ts";
import { intercepted } from "../service/jobs/failing-store.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { templateOf } from "./deployment.ts";
import { permissionsOf } from "./policies.ts";

const PICTURE = join(import.meta.dirname, "../golden/pipelines/open-sora/first.png");

const ACTIONS = {
  get: ["s3:GetObject"],
  put: ["s3:PutObject"],
  delete: ["s3:DeleteObject"],
  list: ["s3:ListBucket"],
  // The request has the permissions of the signer.
  signedUrl: ["s3:GetObject"],
};

/** Returns the store operations of all API routes, as lines of action and folder. */
async function usedActions(): Promise<Set<string>> {
  const used = new Set<string>();
  let isWatched = false;
  let isRefused = false;
  const memory = memoryStore();
  const watched = intercepted(memory, async (name, key, operation) => {
    const folder = key.slice(0, key.indexOf("/") + 1);
    if (isWatched) for (const action of ACTIONS[name]) used.add(`${action} ${folder}`);
    if (isRefused && name === "put" && folder === "jobs/") throw new StoreError("denied", "Refused.");
    return operation();
  });
  const store = {
    ...watched,
    delete(key: string, options: { readonly ifMatch?: string } = {}) {
      // A conditional deletion reads the object first.
      if (isWatched && options.ifMatch !== undefined)
        used.add(`s3:GetObject ${key.slice(0, key.indexOf("/") + 1)}`);
      return watched.delete(key, options);
    },
  };
  const { name, limits } = await describeModel(join(import.meta.dirname, "../../models/demo"));
  const api = await testApi({
    store,
    models: [{ name, limits: { ...limits, takes_image: true } }],
    usdPerHour: 1,
  });

  async function ask(method: string, path: string, json?: object, headers = {}): Promise<{ id: string }> {
    isWatched = true;
    const response = await api.send(method, `/v1/${path}`, { ...(json && { json }), headers });
    isWatched = false;
    return response.headers.get("content-type") === "application/json"
      ? ((await response.json()) as { id: string })
      : { id: "" };
  }

  await askForVideos(api, ask);
  await askForHooks(ask);
  await askWithLimit(api, ask);
  isRefused = true;
  await ask("POST", "videos", { prompt: "a" });
  isWatched = true;
  await readModelCard(store, "demo");
  return used;
}

type Ask = (
  method: string,
  path: string,
  json?: object,
  headers?: Record<string, string>,
) => Promise<{ id: string }>;

async function askForVideos(api: TestApi, ask: Ask): Promise<void> {
  const again = { "idempotency-key": "k" };
  const picture = { input_reference: `data:image/png;base64,${readFileSync(PICTURE, "base64")}` };
  const { id } = await ask("POST", "videos", { prompt: "a", ...picture }, again);
  await ask("POST", "videos", { prompt: "a", ...picture }, again);
  await ask("GET", "videos");
  await ask("GET", `videos/${id}`);
  const remix = await ask("POST", `videos/${id}/remix`, { prompt: "b" });
  await ask("POST", `videos/${remix.id}/cancel`);
  await api.complete(id);
  for (const path of ["", "/content", "/events", "/schedule.svg"]) await ask("GET", `videos/${id}${path}`);
  await ask("POST", `videos/${id}/webhooks/redeliver`, {});
  await ask("DELETE", `videos/${id}`);
  await api.deps.store.put(jobKey({ tenant: "acme", id: remix.id }), new TextEncoder().encode("{"));
  await ask("DELETE", `videos/${remix.id}`);
}

/** Asks twice, as the second request changes what the first one has written of the key's spending. */
async function askWithLimit({ deps }: TestApi, ask: Ask): Promise<void> {
  const { key } = await deps.keys.create({ tenant: "acme", name: "", usdPerDay: 20 });
  const authorization = `Bearer ${key}`;
  for (const path of ["videos", "videos", "videos/quote"])
    await ask("POST", path, { prompt: "a" }, { authorization });
}

async function askForHooks(ask: Ask): Promise<void> {
  const fields = {
    webhook_endpoints: { url: "https://hooks.example.com/" },
    triggers: { prompt: "a", signature: { scheme: "bearer", secret: "s".repeat(32) } },
  };
  for (const [kind, json] of Object.entries(fields)) {
    const { id } = await ask("POST", kind, json);
    await ask("GET", kind);
    await ask("GET", `${kind}/${id}`);
    await ask("POST", `${kind}/${id}`, { name: "b" });
    await ask("POST", `${kind}/${id}/rotate_secret`, {});
    await ask("POST", `${kind}/${id}/${kind === "triggers" ? "dry_run" : "test"}`, { payload: {} });
    await ask("POST", `${kind}/${id}/invoke`, {}, { authorization: `Bearer ${"s".repeat(32)}` });
    await ask("DELETE", `${kind}/${id}`);
  }
}

it("the edge may do to each folder what the routes of the API do, and nothing else", async () => {
  const lines = permissionsOf(templateOf("edge"), "ApiRole");
  const allowed = lines.flatMap((line) => {
    const [, action, folder] = /^(s3:\w+Object) arn:aws:s3:::[^/]+\/(.*)\*$/.exec(line) ?? [];
    return action ? [`${action} ${folder}`] : [];
  });
  const listing = lines.find((line) => line.startsWith("s3:ListBucket"))!;
  const used = [...(await usedActions())];
  const isListing = (line: string) => line.startsWith("s3:ListBucket");
  expect(used.filter((line) => !isListing(line)).sort()).toEqual(allowed.sort());
  for (const line of used.filter(isListing)) expect(listing).toContain(`"${line.split(" ")[1]}*"`);
});
