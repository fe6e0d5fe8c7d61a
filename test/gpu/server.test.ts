import { rm } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from "vitest";
import { namedByFolder } from "../../functions/gpu/models.ts";
import { pastVideos } from "../../functions/gpu/past-videos.ts";
import { createGpuApp } from "../../functions/gpu/server.ts";
import { type WarmModels, warmModels } from "../../functions/gpu/warm-models.ts";
import { createWorker, type Worker } from "../../functions/gpu/worker.ts";
import { type JobRef, type JobStore, jobKey, newVideoId } from "../../lib/service/jobs/index.ts";
import { StoreError } from "../../lib/service/storage/index.ts";
import { eventually } from "../eventually.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { endless, openWorkplace, quietRun, silent, type Workplace } from "./job-fixture.ts";

let folder: string;
let models: WarmModels;
let place: Workplace;
let worker: Worker;
let post: (body: unknown) => Promise<Response>;
let ping: () => Promise<Response>;
let requeued: string[];

beforeAll(async () => {
  folder = await writeTinyModel();
  models = await warmModels([namedByFolder(folder)], { threads: 1 });
});
afterAll(async () => {
  await models.close();
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  place = await openWorkplace(folder);
  onTestFinished(() => place.remove());
  open(place.jobs);
});

function open(jobs: JobStore): void {
  requeued = [];
  worker = createWorker({
    ...place,
    jobs,
    models,
    owner: "worker",
    ...quietRun,
    past: pastVideos(),
    onChange() {},
    onRequeue: async ({ id }) => void requeued.push(id),
  });
  const app = createGpuApp({ worker, models, log: silent });
  post = async (body) => {
    return app.request("/invocations", {
      method: "POST",
      body: typeof body === "string" ? body : JSON.stringify(body),
    });
  };
  ping = async () => app.request("/ping");
}

function begun(ref: JobRef): Promise<void> {
  return eventually(async () => expect((await place.jobs.read(ref))!.progress?.done).toBeGreaterThan(0));
}

async function code(response: Response): Promise<[number, string]> {
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  expect(error.message).toMatch(/^[A-Z].*\.$/);
  return [response.status, error.code];
}

it("an invocation is answered with how the job ended, whatever else its body holds", async () => {
  const ref = await place.queue();
  const answer = await post(await place.jobs.read(ref));
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ id: ref.id, status: "completed", attempt: 1 });
  const again = await post(ref);
  expect([again.status, await again.json()]).toEqual([200, { id: ref.id, status: "completed", attempt: 1 }]);
});

it("an invocation may have a job's record as its body", async () => {
  const ref = await place.queue();
  const { body } = (await place.store.get(jobKey(ref)))!;
  expect(await (await post(new TextDecoder().decode(body))).json()).toMatchObject({ status: "completed" });
});

it("an invocation is a turn: it runs the job whose turn it is, and is answered with that one", async () => {
  const [first, second] = [await place.queue(), await place.queue()];
  const other = await place.queue({}, { tenant: "other" });
  const ran: unknown[] = [];
  for (const ref of [first, second, other]) ran.push((await (await post(ref)).json()) as object);
  const done = (ref: JobRef) => ({ id: ref.id, status: "completed", attempt: 1 });
  expect(ran).toEqual([first, other, second].map(done));
  expect(await (await post(second)).json()).toEqual(done(second));
});

it("a job that is handed back in the invocation of another one is told of, since nobody else will", async () => {
  const [first, second] = [await place.queue(), await place.queue()];
  const other = await place.queue(endless, { tenant: "other" });
  await post(first);
  const answer = post(second);
  await begun(other);
  await worker.stop(0);
  expect(await (await answer).json()).toEqual({ id: other.id, status: "queued", attempt: 1 });
  expect(requeued).toEqual([other.id]);
});

it("a worker runs one job at a time, answers pings meanwhile, and accepts the next one after it", async () => {
  const [ref, other] = [await place.queue(endless), await place.queue()];
  const first = post(ref);
  await begun(ref);
  const [model] = models.names;
  expect(await (await ping()).json()).toEqual({ status: "ok", model, busy: true });
  const refused = await post(other);
  expect(refused.headers.get("Retry-After")).toMatch(/^\d+$/);
  expect(await code(refused)).toEqual([503, "busy"]);
  expect(await place.jobs.read(other)).toMatchObject({ status: "queued", attempt: 0 });
  await place.jobs.apply(ref, { type: "cancel" });
  expect(await (await first).json()).toEqual({ id: ref.id, status: "cancelled", attempt: 1 });
  expect(await (await ping()).json()).toMatchObject({ busy: false });
  expect(await (await post(other)).json()).toMatchObject({ status: "completed" });
});

it("a stopping worker begins no other job, and lets the running one end", async () => {
  const [ref, other] = [await place.queue({ ...endless, steps: 40 }), await place.queue()];
  const first = post(ref);
  await begun(ref);
  const stopped = worker.stop(60_000);
  expect(await code(await post(other))).toEqual([503, "stopping"]);
  expect(await (await ping()).json()).toMatchObject({ status: "stopping", busy: true });
  await stopped;
  expect(await (await first).json()).toMatchObject({ status: "completed" });
  expect(await place.jobs.read(other)).toMatchObject({ status: "queued", attempt: 0 });
});

it("a stopping worker hands the running job back when its grace period is over", async () => {
  const ref = await place.queue(endless);
  const first = post(ref);
  await begun(ref);
  await worker.stop(0);
  expect(await (await first).json()).toEqual({ id: ref.id, status: "queued", attempt: 1 });
});

it("a body that names no job is refused", async () => {
  const id = newVideoId(place.clock, () => new Uint8Array(10));
  const bodies = [
    ...["", "{", "null", "[]", `{"tenant":"acme"}`, `{"id":"${id}"}`],
    ...[
      { tenant: 1, id },
      { tenant: "../acme", id },
      { tenant: "a/b", id },
      { tenant: "", id },
    ],
    ...["video_", `${id}/..`, `${id}\n`, "video_zzzzzzzzzzzzzzzzzzzzzzzzzz"].map((bad) => ({
      tenant: "acme",
      id: bad,
    })),
  ];
  for (const body of bodies) expect(await code(await post(body))).toEqual([400, "invalid_request"]);
  expect(await code(await post({ tenant: "acme", id, more: "x".repeat(5_000_000) }))).toEqual([
    413,
    "body_too_large",
  ]);
  expect(await code(await post({ tenant: "acme", id }))).toEqual([404, "not_found"]);
});

it("an unavailable store is answered with 503, and an internal error reveals nothing", async () => {
  const ref = await place.queue();
  const failing = (error: Error) => ({ ...place.jobs, apply: () => Promise.reject(error) });
  open(failing(new StoreError("unavailable", "secret")));
  const unavailable = await post(ref);
  expect(unavailable.headers.has("Retry-After")).toBe(true);
  expect(await code(unavailable)).toEqual([503, "store_unavailable"]);
  open(failing(new TypeError("secret")));
  const failed = await post(ref);
  expect(await failed.clone().text()).not.toContain("secret");
  expect(await code(failed)).toEqual([500, "internal_error"]);
  expect(worker.isBusy).toBe(false);
});
