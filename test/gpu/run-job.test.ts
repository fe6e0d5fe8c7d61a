import { createHash, randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { namedByFolder } from "../../functions/gpu/models.ts";
import { pastVideos } from "../../functions/gpu/past-videos.ts";
import { type JobRunOptions, runJob } from "../../functions/gpu/run-job.ts";
import { type WarmModels, warmModels } from "../../functions/gpu/warm-models.ts";
import { hashWeights } from "../../lib/generation/checkpoint/index.ts";
import { GenerationError } from "../../lib/generation/pipeline/index.ts";
import { resolvedRequestSchema } from "../../lib/generation/request/index.ts";
import {
  type JobProgress,
  type JobRecord,
  type JobRef,
  type JobStore,
  jobStore,
  previewKey,
} from "../../lib/service/jobs/index.ts";
import { type ObjectStore, StoreError } from "../../lib/service/storage/index.ts";
import { system } from "../../lib/shared/system.ts";
import { eventually } from "../eventually.ts";
import { preload, preloadStop } from "../generation/pipeline/preload.ts";
import { requestFor } from "../generation/pipeline/request-for.ts";
import { limitToWords, writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { decodeWithWebcodecs } from "../generation/video/decode-mp4.ts";
import { endless, openWorkplace, quietRun, silent, type Workplace } from "./job-fixture.ts";

let folder: string;
let broken: string;
let models: WarmModels;
let place: Workplace;

beforeAll(async () => {
  [folder, broken] = [await writeTinyModel(), await writeTinyModel()];
  await limitToWords(folder);
  await rm(join(broken, "vae/diffusion_pytorch_model.safetensors"));
  models = await warmModels([folder, broken].map(namedByFolder), { threads: 1 });
});
afterAll(async () => {
  await models.close();
  for (const model of [folder, broken]) await rm(model, { recursive: true });
});
beforeEach(async () => {
  place = await openWorkplace(folder);
});
afterEach(() => place.remove());

interface Started {
  readonly ended: Promise<JobRecord | null>;
  readonly changes: JobRef[];
  handBack(): void;
}

function start(ref: JobRef, options: Partial<JobRunOptions> = {}): Started {
  const changes: JobRef[] = [];
  const handBack = new AbortController();
  const run = runJob(ref, handBack.signal, {
    ...place,
    models,
    owner: "worker",
    ...quietRun,
    past: pastVideos(),
    onChange: (changed) => changes.push(changed),
    ...options,
  });
  const ended = run.then(({ record }) => record);
  ended.catch(() => undefined);
  return { ended, changes, handBack: () => handBack.abort() };
}

/** Resolves to the record once denoising has started. */
function denoising(ref: JobRef): Promise<JobRecord> {
  return eventually(async () => {
    const record = (await place.jobs.read(ref))!;
    expect(record.progress?.done).toBeGreaterThan(0);
    return record;
  });
}

/** Returns the place's store with some operations replaced, and jobs over it. */
function behind(changed: Partial<ObjectStore>): Pick<JobRunOptions, "store" | "jobs"> {
  const store = { ...place.store, ...changed };
  const random = (byteCount: number) => crypto.getRandomValues(new Uint8Array(byteCount));
  return { store, jobs: jobStore({ store, clock: place.clock, random, sleep: system.sleep }) };
}

const types = (record: JobRecord | null) => record!.history.map(({ type }) => type);
const told = (record: JobRecord | null) => record!.events.map(({ type }) => type);
const pidOf = async () => (await models.open(basename(folder))).pipeline.pid;

describe("a job that succeeds", () => {
  it("a job that succeeds has artifacts that its record describes, and a receipt that agrees with the trace", async () => {
    const ref = await place.queue();
    const { ended, changes } = start(ref);
    const record = (await ended)!;
    expect(types(record)).toEqual(["created", "claimed", "completed"]);
    expect(told(record)).toEqual(["video.queued", "video.in_progress", "video.completed"]);
    expect(changes.map(({ id }) => id)).toEqual([ref.id, ref.id]);

    const { video, thumbnail, uncached } = record.outputs!;
    expect(uncached).toBeNull();
    for (const { key, bytes, sha256 } of [video, thumbnail!]) {
      const { body } = (await place.store.get(key))!;
      expect([body.length, createHash("sha256").update(body).digest("hex")]).toEqual([bytes, sha256]);
    }
    expect(await place.artifacts()).toEqual([thumbnail!.key, video.key]);
    const path = join(folder, "played.mp4");
    onTestFinished(() => rm(path));
    await writeFile(path, (await place.store.get(video.key))!.body);
    const { frames } = await decodeWithWebcodecs(path);
    expect([frames.width, frames.height, frames.count]).toEqual([16, 16, 4]);

    const { prompt, seed, steps } = resolvedRequestSchema.parse(record.params);
    const { pipeline } = await models.open(basename(folder));
    const { trace } = await pipeline.generate(
      requestFor(pipeline, { prompt, seed, steps, cache: "static:2" }),
    );
    const receipt = record.receipt!;
    expect(receipt.steps.computed_indices).toEqual([1, 3, 5, 7, 8]);
    expect(receipt.steps).toMatchObject({ requested: 8, computed: 5, reused: 3, reused_indices: [2, 4, 6] });
    const computed = trace.schedule.filter((step) => step.computed);
    expect(receipt.schedule).toEqual(computed.map(({ step }) => ({ step })));
    expect(receipt.cache).toEqual({ policy: "static:2", interval: 2, warmup_steps: 0, forecast: false });
    expect(receipt.video).toMatchObject({ bytes: video.bytes, sha256: video.sha256 });
    expect(receipt.weights).toEqual(await hashWeights(folder));
    expect(receipt).toMatchObject({ attempt: 1, provider: "cpu", precision: "float32", comparison: null });
    expect(Object.keys(receipt.versions)).toEqual(["adareel", "node", "onnxruntime-node"]);
  });

  it("a job tells of its steps and previews, keeps the newest preview while it runs, and deletes it at its end", async () => {
    // The first video of a model teaches it what its latents look like.
    const past = pastVideos();
    await start(await place.queue({ steps: 30 }), { past }).ended;
    const heard = { progress: [] as JobProgress[], previews: [] as number[] };
    const written: string[] = [];
    const put: ObjectStore["put"] = (key, ...given) => {
      written.push(key);
      return place.store.put(key, ...given);
    };
    const making = start(await place.queue({ steps: 30 }), {
      ...behind({ put }),
      past,
      onAttemptProgress: (_, progress) => heard.progress.push(progress),
      onAttemptPreview: (_, step) => heard.previews.push(step),
    });
    const record = (await making.ended)!;
    const { computed_indices: computed } = record.receipt!.steps;
    const taken = Array.from({ length: 30 }, (_, step) => (computed.includes(step + 1) ? "c" : "r")).join("");
    expect(heard.progress.at(-1)).toMatchObject({ stage: "write", done: 30, taken });
    expect(heard.progress.at(-1)!.secondsLeft).toBeGreaterThanOrEqual(0);
    expect(heard.previews[0]).toBe(2);
    const key = previewKey(record, 1);
    expect(written).toContain(key);
    expect(await place.artifacts()).not.toContain(key);

    const unwatched = await place.queue({ steps: 30, preview: false });
    await start(unwatched, { onAttemptPreview: (_, step) => heard.previews.push(-step) }).ended;
    expect(heard.previews.filter((step) => step < 0)).toEqual([]);
  });

  it("a receipt names the words that the model does not know, and is empty of them when it knows all", async () => {
    const strange = await place.queue({ prompt: "a red Dog moves", negativePrompt: "a beach" });
    expect((await start(strange).ended)!.receipt!.unknown_words).toEqual(["Dog", "beach"]);
    expect((await start(await place.queue()).ended)!.receipt!.unknown_words).toEqual([]);
  });

  it("the next job uses the same process and the same weight hashes", async () => {
    await start(await place.queue()).ended;
    const [pid, { weights }] = [await pidOf(), await models.open(basename(folder))];
    await expect(start(await place.queue()).ended).resolves.toHaveProperty("status", "completed");
    const after = await models.open(basename(folder));
    expect([after.pipeline.pid, after.weights === weights]).toEqual([pid, true]);
  });

  it("a comparison is made with the same video without cache, denoising against denoising", async () => {
    const ref = await place.queue({ compare: true });
    const record = (await start(ref, { progressIntervalMs: 0 }).ended)!;
    const { comparison, seconds } = record.receipt!;
    expect(comparison!.speedup).toBeCloseTo(comparison!.denoise_seconds / seconds.denoise, 9);
    expect(comparison!.ssim).toBeLessThan(1);
    expect(comparison!.psnr).toBeGreaterThan(0);
    expect(record.outputs!.uncached!.key).toMatch(/\/1\/uncached\.mp4$/);
    expect(record.outputs!.uncached!.sha256).not.toBe(record.outputs!.video.sha256);
    expect(record.progress).toMatchObject({ steps: 16 });
  });

  it("a job that is audited renews its lease with each progress once", async () => {
    const written: unknown[] = [];
    const apply: JobStore["apply"] = (ref, event) => {
      if (event.type === "renew" && event.progress) written.push(event.progress);
      return place.jobs.apply(ref, event);
    };
    const ref = await place.queue({ audit: true, steps: 200 });
    const record = await start(ref, { jobs: { ...place.jobs, apply }, progressIntervalMs: 0 }).ended;
    expect(record).toMatchObject({ status: "completed" });
    expect(written.length).toBeGreaterThan(2);
    expect(new Set(written.map((progress) => JSON.stringify(progress))).size).toBe(written.length);
  });

  it("a video without cache is identical to its comparison", async () => {
    const params = { compare: true, cache: { policy: "off", motion: true, warmupSteps: 0 } };
    const record = (await start(await place.queue(params)).ended)!;
    expect(record.receipt!.comparison).toMatchObject({ psnr: null, ssim: 1 });
  });

  it("an upload whose answer was lost counts as done", async () => {
    let isFirst = true;
    const store = behind({
      async put(key, body, options) {
        const result = await place.store.put(key, body, options);
        if (!key.startsWith("artifacts/") || !isFirst) return result;
        isFirst = false;
        throw new StoreError("unavailable", "The answer was lost.");
      },
    });
    const record = (await start(await place.queue(), store).ended)!;
    expect([isFirst, record.status]).toEqual([false, "completed"]);
  });

  it("a video that is made while the store is away is stored once the store answers again", async () => {
    let failures = 0;
    const store = behind({
      async put(key, body, options) {
        if (!key.endsWith("/video.mp4") || failures === 3) return place.store.put(key, body, options);
        failures += 1;
        throw new StoreError("unavailable", "The store does not answer.");
      },
    });
    const record = (await start(await place.queue(), store).ended)!;
    expect(record).toMatchObject({ status: "completed", attempt: 1, failures: 0 });
  });
});

describe("a job that this worker no longer holds", () => {
  it("a cancelled job stays cancelled, and nothing is stored", async () => {
    const ref = await place.queue(endless);
    const { ended, changes } = start(ref);
    await denoising(ref);
    await place.jobs.apply(ref, { type: "cancel" });
    const record = await ended;
    expect(record).toMatchObject({ status: "cancelled", outputs: null, error: { code: "canceled" } });
    expect(told(record)).toEqual(["video.queued", "video.in_progress", "video.failed"]);
    expect(changes.map(({ id }) => id)).toEqual([ref.id, ref.id]);
    expect(await place.artifacts()).toEqual([]);
  });

  it("a job that another worker took over is left to it", async () => {
    const ref = await place.queue(endless);
    const { ended } = start(ref);
    await denoising(ref);
    const later = { now: () => Date.now() + 3_000_000 };
    const others = jobStore({
      store: place.store,
      clock: later,
      random: () => new Uint8Array(12),
      sleep: system.sleep,
    });
    await others.apply(ref, { type: "claim", owner: "other", leaseMs: 60_000 });
    await expect(ended).resolves.toMatchObject({ status: "running", attempt: 2, lease: { owner: "other" } });
    expect(await place.artifacts()).toEqual([]);
  });

  it("a job fails once its deadline is over, before the claim and in the middle", async () => {
    const error = { code: "deadline_exceeded" };
    const overdue = await place.queue({}, { deadlineMs: 0 });
    await expect(start(overdue).ended).resolves.toMatchObject({ status: "failed", attempt: 0, error });
    // The deadline passes, but the lease does not expire.
    const ref = await place.queue(endless, { deadlineMs: 30_000 });
    const { ended, changes } = start(ref);
    await denoising(ref);
    place.clock.aheadMs = 30_000;
    await expect(ended).resolves.toMatchObject({ status: "failed", attempt: 1, error });
    expect(changes).toHaveLength(2);
    expect(await place.artifacts()).toEqual([]);
  });

  it("a job fails for good once it has run as long as it may", async () => {
    const ref = await place.queue(endless);
    const { ended } = start(ref, { maxRunMs: 500 });
    const message = "The video took longer than the limit of 0.5 seconds.";
    await expect(ended).resolves.toMatchObject({
      status: "failed",
      attempt: 1,
      error: { code: "deadline_exceeded", message },
    });
    expect(await place.artifacts()).toEqual([]);
    await expect(start(await place.queue()).ended).resolves.toMatchObject({ status: "completed" });
  });

  it("a job is abandoned when its lease could not be renewed for too long", async () => {
    let isDown = false;
    const store = behind({
      put(key, body, options) {
        if (isDown) throw new StoreError("denied", "The store is closed.");
        return place.store.put(key, body, options);
      },
    });
    const ref = await place.queue(endless);
    const warn = vi.fn();
    const { ended } = start(ref, { ...store, leaseMs: 1_500, log: { ...silent, warn } });
    await denoising(ref);
    isDown = true;
    await expect(ended).resolves.toMatchObject({ status: "running", attempt: 1, outputs: null });
    const told = warn.mock.calls.filter(([, message]) => message === "the lease was not renewed");
    expect(told).toEqual([[{ id: ref.id, reason: "StoreError: The store is closed." }, expect.any(String)]]);
    expect(await place.artifacts()).toEqual([]);
  });

  it.each([-3_600_000, 1_800_000])(
    "a job keeps its lease while the clock is set by %i ms",
    async (aheadMs) => {
      const ref = await place.queue(endless);
      const { ended } = start(ref, { leaseMs: 1_500 });
      await denoising(ref);
      place.clock.aheadMs = aheadMs;
      await eventually(async () => {
        // The lease lasts by the clock as it is set now.
        const leftMs = (await place.jobs.read(ref))!.lease!.until - place.clock.now();
        expect(leftMs > 0 && leftMs <= 1_500).toBe(true);
      });
      expect(await place.jobs.read(ref)).toMatchObject({ status: "running", attempt: 1, losses: 0 });
      await place.jobs.apply(ref, { type: "cancel" });
      await expect(ended).resolves.toHaveProperty("status", "cancelled");
    },
  );

  it("a finished, leased, missing or exhausted job is answered with its current state", async () => {
    const ref = await place.queue();
    await place.jobs.apply(ref, { type: "claim", owner: "other", leaseMs: 60_000 });
    await expect(start(ref).ended).resolves.toMatchObject({ status: "running", lease: { owner: "other" } });
    await place.jobs.apply(ref, { type: "cancel" });
    await expect(start(ref).ended).resolves.toHaveProperty("status", "cancelled");
    await expect(start({ ...ref, tenant: "nobody" }).ended).resolves.toBeNull();

    const unlucky = await place.queue();
    for (let losses = 0; losses < 5; losses++) {
      place.clock.aheadMs += 100_000;
      const claim = { type: "claim", owner: `lost-${losses}`, leaseMs: 60_000 } as const;
      expect(await place.jobs.apply(unlucky, claim)).toHaveProperty("ok", true);
    }
    place.clock.aheadMs += 100_000;
    const record = await start(unlucky).ended;
    expect(record).toMatchObject({ status: "failed", attempt: 5, error: { code: "worker_lost" } });
  });

  it("a job is handed back at once when the worker has to stop", async () => {
    const ref = await place.queue(endless);
    const { ended, handBack } = start(ref);
    await denoising(ref);
    handBack();
    const record = await ended;
    expect(record).toMatchObject({ status: "queued", attempt: 1, losses: 0, failures: 0, lease: null });
    expect(types(record)).toEqual(["created", "claimed", "released"]);
    expect(await place.artifacts()).toEqual([]);
  });
});

describe("a job whose model is being opened", () => {
  /** Starts a job whose model never finishes opening, with models of its own. */
  async function opening() {
    await preloadStop();
    const own = await warmModels([namedByFolder(folder)], { threads: 1 });
    onTestFinished(() => own.close());
    const ref = await place.queue();
    const started = start(ref, { models: own, leaseMs: 1_500 });
    await eventually(async () => expect((await place.jobs.read(ref))!.progress?.stage).toBe("load"));
    return { ref, own, ...started };
  }

  it("a job that is cancelled while its model opens makes room for the next one at once", async () => {
    const { ref, own, ended } = await opening();
    await place.jobs.apply(ref, { type: "cancel" });
    await expect(ended).resolves.toMatchObject({ status: "cancelled" });
    vi.unstubAllEnvs();
    const next = await start(await place.queue(), { models: own }).ended;
    expect(next).toMatchObject({ status: "completed", attempt: 1 });
  });

  it("a job that is handed back while its model opens ends the opening", async () => {
    const { own, ended, handBack } = await opening();
    handBack();
    await expect(ended).resolves.toMatchObject({ status: "queued", losses: 0, failures: 0, lease: null });
    expect([own.warm, own.fault]).toEqual([null, null]);
  });

  it("a job whose lease is lost while its model opens ends the opening", async () => {
    const { ref, ended } = await opening();
    const later = { now: () => Date.now() + 3_000_000 };
    const others = jobStore({ ...place, clock: later, random: randomBytes, sleep: system.sleep });
    await others.apply(ref, { type: "claim", owner: "other", leaseMs: 60_000 });
    await expect(ended).resolves.toMatchObject({ status: "running", lease: { owner: "other" } });
  });

  it("a job that is cancelled while the weights are hashed does not wait for the hashes", async () => {
    const ref = await place.queue({ preview: false });
    const unhashed: WarmModels = {
      ...models,
      open: async (name, signal) => ({
        ...(await models.open(name, signal)),
        weights: new Promise(() => undefined),
      }),
    };
    const { ended } = start(ref, { models: unhashed, leaseMs: 1_500 });
    await eventually(async () => expect((await place.jobs.read(ref))?.progress?.stage).toBe("write"));
    await place.jobs.apply(ref, { type: "cancel" });
    await expect(ended).resolves.toMatchObject({ status: "cancelled" });
    expect(await place.artifacts()).toEqual([]);
  });

  it("a job whose process is killed while it opens the model says that memory may have run out", async () => {
    await preload(`process.kill(process.pid, "SIGKILL");`);
    const own = await warmModels([namedByFolder(folder)], { threads: 1 });
    const ref = await place.queue();
    await start(ref, { models: own }).ended;
    const message = "The worker was killed while it opened the model, most likely because memory ran out.";
    await expect(start(ref, { models: own }).ended).resolves.toMatchObject({
      status: "failed",
      error: { code: "out_of_memory", message },
    });
  });
});

describe("a job whose GPU is lost", () => {
  const lost = new GenerationError("The GPU was lost.", { fault: "device_lost" });

  it.each([
    ["while the model opens", { open: () => Promise.reject(lost) }],
    [
      "while the video is made",
      {
        open: async (name: string, signal?: AbortSignal) => {
          const { pipeline, ...warm } = await models.open(name, signal);
          return { ...warm, pipeline: { ...pipeline, generate: () => Promise.reject(lost) } };
        },
      },
    ],
  ])("a GPU that is lost %s counts as a lost worker, and the job is queued again", async (_, failing) => {
    const ref = await place.queue();
    const record = await start(ref, { models: { ...models, ...failing } }).ended;
    expect(record).toMatchObject({ status: "queued", losses: 1, failures: 0 });
    expect(types(record)).toEqual(["created", "claimed", "lost"]);
    await expect(start(ref).ended).resolves.toMatchObject({ status: "completed", attempt: 2 });
  });
});

describe("a job whose process hangs", () => {
  it("a job whose process is stopped is made by another one, and the next job is made too", async () => {
    const own = await warmModels([namedByFolder(folder)], { threads: 1 }, { silenceMsMax: 3_600_000 });
    onTestFinished(() => own.close());
    const ref = await place.queue({ steps: 200, cache: endless.cache });
    const { ended } = start(ref, { models: own });
    await denoising(ref);
    const { pipeline } = await own.open(basename(folder));
    process.kill(pipeline.pid, "SIGSTOP");
    await expect(ended).resolves.toMatchObject({ status: "queued", failures: 1 });
    await expect(start(ref, { models: own }).ended).resolves.toMatchObject({
      status: "completed",
      attempt: 2,
    });
    await expect(start(await place.queue(), { models: own }).ended).resolves.toMatchObject({ attempt: 1 });
  });

  it("a job whose process hangs twice fails as stalled", async () => {
    await preloadStop();
    const own = await warmModels([namedByFolder(folder)], { threads: 1 }, { silenceMsMax: 1000 });
    const ref = await place.queue();
    await expect(start(ref, { models: own }).ended).resolves.toMatchObject({ status: "queued" });
    await expect(start(ref, { models: own }).ended).resolves.toMatchObject({
      status: "failed",
      error: { code: "stalled" },
    });
  });
});

it("models that cannot be opened three times in a row are a fault of the machine, until one is opened", async () => {
  await preload(`process.kill(process.pid, "SIGKILL");`);
  const own = await warmModels([namedByFolder(folder)], { threads: 1 });
  onTestFinished(() => own.close());
  for (const fault of [null, null, /^The last 3 attempts to open a model failed: /]) {
    await expect(own.open(basename(folder))).rejects.toThrow();
    if (fault) expect(own.fault).toMatch(fault);
    else expect(own.fault).toBeNull();
  }
  vi.unstubAllEnvs();
  await own.open(basename(folder));
  expect(own.fault).toBeNull();
});

describe("a job that fails", () => {
  it("a job with an invalid request fails for good, in the words of the request", async () => {
    const cache = { policy: "static:2", motion: true, warmupSteps: 9 };
    const record = await start(await place.queue({ cache })).ended;
    const message = "The warm-up is 9: a warm-up is a whole number of steps, from 0 to the 8 of the run.";
    expect(record).toMatchObject({ status: "failed", error: { code: "invalid_request", message } });
  });

  it("a job for an unavailable model fails for good", async () => {
    const record = await start(await place.queue({ model: "other" })).ended;
    const error = { code: "model_load_failed", message: "No worker has that model." };
    expect(record).toMatchObject({ status: "failed", error });
  });

  it("a job whose model cannot be opened is tried again, then fails without naming a path", async () => {
    const ref = await place.queue({ model: basename(broken) });
    await expect(start(ref).ended).resolves.toMatchObject({ status: "queued", failures: 1, error: null });
    const error = { code: "model_load_failed", message: "The files of the model cannot be read." };
    await expect(start(ref).ended).resolves.toMatchObject({ status: "failed", failures: 2, error });
  });

  it("a job whose process died is tried again in a new one", async () => {
    const ref = await place.queue({ steps: 1000, cache: endless.cache });
    const { ended } = start(ref);
    await denoising(ref);
    const pid = await pidOf();
    process.kill(pid, "SIGKILL");
    await expect(ended).resolves.toMatchObject({ status: "queued", failures: 1 });
    await expect(start(ref).ended).resolves.toMatchObject({ status: "completed", attempt: 2 });
    expect(await pidOf()).not.toBe(pid);
  });

  it("a job whose upload failed is tried again under the next attempt's keys", async () => {
    const store = behind({
      async put(key, body, options) {
        if (key.endsWith("/1/video.mp4")) throw new StoreError("full", "The store is full.");
        return place.store.put(key, body, options);
      },
    });
    const ref = await place.queue();
    await expect(start(ref, store).ended).resolves.toMatchObject({ status: "queued", failures: 1 });
    const record = await start(ref, store).ended;
    expect(record!.outputs!.video.key).toMatch(/\/2\/video\.mp4$/);
  });
});

it("a process that died between two jobs does not affect the next one", async () => {
  await start(await place.queue()).ended;
  const { pipeline } = await models.open(basename(folder));
  process.kill(pipeline.pid, "SIGKILL");
  await eventually(() => expect(models.warm).toBeNull());
  const record = await start(await place.queue()).ended;
  expect(record).toMatchObject({ status: "completed", failures: 0 });
});
