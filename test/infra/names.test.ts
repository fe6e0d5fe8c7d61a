import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { uploadOutput } from "../../functions/gpu/upload.ts";
import { FOLDERS } from "../../infra/names.ts";
import { CONDITIONAL_FOLDERS } from "../../infra/video-bucket.ts";
import { modelPrefix, writeModelCard } from "../../lib/distribution/model-store/index.ts";
import { jobStore } from "../../lib/service/jobs/index.ts";
import { apiKeys, keyRing } from "../../lib/service/keys/index.ts";
import { runStore } from "../../lib/service/quotes/index.ts";
import { spendingOf } from "../../lib/service/spending/index.ts";
import type { ObjectStore } from "../../lib/service/storage/index.ts";
import { triggerStore } from "../../lib/service/triggers/index.ts";
import { webhookEndpoints } from "../../lib/service/webhooks/index.ts";
import { system } from "../../lib/shared/system.ts";
import { memoryStore } from "../service/jobs/memory-store.ts";
import { NOW, newJob, outputs, receipt } from "../service/jobs/sample-job.ts";
import { sampleRun } from "../service/quotes/sample-run.ts";

/** Returns the folders that the service writes to, each with true if all its writes are conditional. */
async function writtenFolders(): Promise<Map<string, boolean>> {
  const written = new Map<string, boolean>();
  const memory = memoryStore();
  const store: ObjectStore = {
    ...memory,
    put(key, body, options = {}) {
      const folder = `${key.split("/")[0]}/`;
      const isConditional = options.ifAbsent === true || options.ifMatch !== undefined;
      written.set(folder, isConditional && (written.get(folder) ?? true));
      return memory.put(key, body, options);
    },
  };
  const deps = {
    store,
    clock: { now: () => NOW },
    random: randomBytes,
    sleep: system.sleep,
    ring: keyRing(randomBytes(32), system.random),
  };

  const keys = apiKeys(deps);
  await keys.revoke((await keys.create({ tenant: "acme", name: "" })).apiKey.id);

  const endpoints = webhookEndpoints(deps);
  const fields = { name: "", url: "https://acme.example/", eventTypes: [] };
  await endpoints.disable("acme", (await endpoints.create("acme", fields)).id);

  const triggers = triggerStore(deps);
  const trigger = { name: "", prompt: "", video: {}, filter: [], isEnabled: true, keyId: "key1" };
  const made = await triggers.create({ ...trigger, tenant: "acme", scheme: "github" });
  await triggers.rotate("acme", made.trigger.id, { keepMs: 0 });

  const jobs = jobStore(deps);
  const claim = { scope: "scope", fingerprint: "", lifetimeMs: 1000, isFirst: true };
  const picture = { body: new Uint8Array(1), sha256: "", contentType: "image/png", width: 16, height: 16 };
  await jobs.create(newJob, { claim, unfinishedMax: 1, inputs: async () => ({ input_reference: picture }) });
  await jobs.apply(newJob, { type: "dispatch", to: "endpoint" });
  const claimed = await jobs.apply(newJob, { type: "claim", owner: "worker", leaseMs: 1000 });
  const output = { name: "video.mp4", body: new Uint8Array(1) };
  await uploadOutput(store, claimed.record!, output, new AbortController().signal);
  await jobs.apply(newJob, { type: "complete", owner: "worker", attempt: 1, outputs, receipt });

  const runs = runStore(store, deps);
  for (const model of ["demo", "demo"]) await runs.add(model, sampleRun());
  const spending = spendingOf({ ...deps, jobs });
  const limited = { tenant: "acme", keyId: "k", limitUsd: 1 };
  for (const id of ["a", "b"]) await spending.reserve(limited, { id, usd: 0.1, usdPerHour: 1 });

  await writeModelCard(store, { name: "demo", limits: {} as never, fingerprint: "", bytes: 1 });
  return written;
}

test("the folders of the bucket are those that the service writes to, and SageMaker's", async () => {
  const { models, invocations, ...own } = FOLDERS;
  expect([...(await writtenFolders()).keys()].sort()).toEqual(Object.values(own).sort());
  expect(modelPrefix("demo")).toBe(`${models}demo/`);
  expect(invocations).toBe("invocations/");
});

test("the bucket demands conditions where, and only where, the service always states one", async () => {
  const conditional = [...(await writtenFolders())].filter(([, isConditional]) => isConditional);
  expect(conditional.map(([folder]) => folder).sort()).toEqual([...CONDITIONAL_FOLDERS].sort());
});
