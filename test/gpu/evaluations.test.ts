/** Job of a model whose sampler makes more evaluations than the requested steps. */
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeVideo } from "../../functions/gpu/make-video.ts";
import { namedByFolder } from "../../functions/gpu/models.ts";
import { pastVideos } from "../../functions/gpu/past-videos.ts";
import { type WarmModels, warmModels } from "../../functions/gpu/warm-models.ts";
import { type JobProgress, receiptSchema } from "../../lib/service/jobs/index.ts";
import { writeJson } from "../generation/pipeline/tiny-model.ts";
import { marksOnly, openWorkplace, type Workplace } from "./job-fixture.ts";

const test = join(import.meta.dirname, "..");
let folder: string;
let models: WarmModels;
let place: Workplace;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "adareel-pndm-"));
  await cp(join(test, "golden/pipelines/latte"), folder, { recursive: true });
  await cp(join(test, "../models/demo/tokenizer"), join(folder, "tokenizer"), { recursive: true });
  const index = JSON.parse(await readFile(join(folder, "model_index.json"), "utf8"));
  await writeJson(join(folder, "model_index.json"), { ...index, scheduler: ["diffusers", "PNDMScheduler"] });
  await writeJson(join(folder, "scheduler/scheduler_config.json"), {});
  models = await warmModels([namedByFolder(folder)], { threads: 1 });
  place = await openWorkplace(folder);
});
afterAll(async () => {
  await models.close();
  await place.remove();
  await rm(folder, { recursive: true });
});

async function make(compare: boolean) {
  const ref = await place.queue({ steps: 4, width: 32, height: 24, frames: 3, compare });
  const claimed = await place.jobs.apply(ref, { type: "claim", owner: "worker", leaseMs: 60_000 });
  const told: JobProgress[] = [];
  const { receipt } = await makeVideo(claimed.record!, {
    ...place,
    models,
    provider: "cpu",
    precision: "float32",
    workerKind: "cpu of a test",
    auditShare: 0,
    provenance: marksOnly,
    past: pastVideos(),
    signal: new AbortController().signal,
    onProgress: (progress) => told.push(progress),
  });
  return { told, receipt: receiptSchema.parse(receipt) };
}

it.each([
  { compare: false, evaluations: 13 },
  { compare: true, evaluations: 26 },
])("progress never exceeds its maximum, nor decreases: %o", async ({ compare, evaluations }) => {
  const { told, receipt } = await make(compare);
  expect(told.every(({ done, computed, steps }) => computed <= done && done <= steps)).toBe(true);
  const done = told.map((progress) => progress.done);
  expect(done).toEqual(done.toSorted((a, b) => a - b));
  expect(told.at(-1)).toMatchObject({ stage: "write", steps: evaluations, done: evaluations });
  const { requested, computed, reused } = receipt.steps;
  expect([requested, computed + reused]).toEqual([13, 13]);
});
