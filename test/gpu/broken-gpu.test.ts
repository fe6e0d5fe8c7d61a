import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { acceleratorHealth } from "../../functions/gpu/accelerator-health.ts";
import { namedByFolder } from "../../functions/gpu/models.ts";
import { pause as pauseLong } from "../../functions/gpu/open-turns.ts";
import { pastVideos } from "../../functions/gpu/past-videos.ts";
import { type Pause, pull } from "../../functions/gpu/pull.ts";
import { createGpuApp } from "../../functions/gpu/server.ts";
import { storeTurns } from "../../functions/gpu/store-turns.ts";
import { type WarmModels, warmModels } from "../../functions/gpu/warm-models.ts";
import { createWorker } from "../../functions/gpu/worker.ts";
import { GenerationError, type PipelineOptions } from "../../lib/generation/pipeline/index.ts";
import { RequestError } from "../../lib/generation/request/index.ts";
import { isFinished, type JobRecord, type JobRef, passedOver } from "../../lib/service/jobs/index.ts";
import { system } from "../../lib/shared/system.ts";
import { eventually } from "../eventually.ts";
import { isLosable, losableAdapter } from "../generation/losable-adapter.ts";
import { preload } from "../generation/pipeline/preload.ts";
import { requestFor } from "../generation/pipeline/request-for.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";
import { endless, openWorkplace, quietRun, silent, type Workplace } from "./job-fixture.ts";

const BROKEN = "The GPU of this machine does not work: see the log of the GPU function.";

let folder: string;
let damaged: string;
let place: Workplace;

beforeAll(async () => {
  [folder, damaged] = [await writeTinyModel(), await writeTinyModel()];
  await rm(join(damaged, "vae/diffusion_pytorch_model.safetensors"));
});
afterAll(async () => {
  for (const model of [folder, damaged]) await rm(model, { recursive: true });
});
beforeEach(async () => {
  place = await openWorkplace(folder);
  onTestFinished(() => place.remove());
});

/** Opens models beside an accelerator that a test can break; without one, beside that of the provider. */
async function open(
  folders: readonly string[],
  options: PipelineOptions = { threads: 1 },
  accelerator?: ReturnType<typeof breakable>,
): Promise<WarmModels> {
  const models = await warmModels(folders.map(namedByFolder), options, {}, accelerator?.health);
  onTestFinished(() => models.close());
  return models;
}

function breakable() {
  const accelerator = { isBroken: false, checks: 0 };
  const health = acceleratorHealth("cuda", async () => {
    accelerator.checks += 1;
    if (accelerator.isBroken) throw new Error("The provider cuda does not work here: no device.");
  });
  return Object.assign(accelerator, { health });
}

function workerOf(models: WarmModels) {
  const seen = passedOver(system.timers);
  const worker = createWorker({
    ...place,
    models,
    owner: randomUUID(),
    ...quietRun,
    past: pastVideos(),
    passedOver: seen,
    onChange() {},
    onRequeue: async () => undefined,
  });
  return { worker, seen };
}

/** Pauses for a tenth of a second at most. */
const pause: Pause = (durationMs, signal) => pauseLong(Math.min(durationMs, 100), signal);

/** Starts a worker that pulls jobs until the test has ended. */
function startPulling(models: WarmModels): void {
  const { worker, seen } = workerOf(models);
  const { random } = system;
  const source = storeTurns({ jobs: place.jobs, passedOver: seen, pause, random, pauseMsMax: 50 });
  const stopping = new AbortController();
  const pulling = pull(
    { source, worker, models, protection: null, pause, random, log: silent },
    stopping.signal,
  );
  onTestFinished(async () => {
    stopping.abort();
    await Promise.all([worker.stop(0), pulling]);
  });
}

async function readAll(refs: readonly JobRef[]): Promise<JobRecord[]> {
  return Promise.all(refs.map(async (ref) => (await place.jobs.read(ref))!));
}

/** Resolves to the records once all have ended. */
function ended(refs: readonly JobRef[]): Promise<JobRecord[]> {
  return eventually(async () => {
    const records = await readAll(refs);
    expect(records.map(isFinished)).toEqual(refs.map(() => true));
    return records;
  });
}

async function queue(count: number, params: Parameters<Workplace["queue"]>[0] = {}): Promise<JobRef[]> {
  const refs: JobRef[] = [];
  for (let number = 0; number < count; number += 1) refs.push(await place.queue(params));
  return refs;
}

const failed = (failing: Promise<unknown>) => failing.then(() => null).catch((error: unknown) => error);

describe("a GPU that does not work", () => {
  it.skipIf(!isLosable)(
    "a GPU that is lost while a video is made costs the job a loss, and makes it once it is found again",
    async () => {
      const { lose, find } = losableAdapter();
      const models = await open([folder], { threads: 1, provider: "webgpu" });
      const [ref] = (await queue(1, { ...endless, steps: 6 })) as [JobRef];
      startPulling(models);
      const record = async () => (await place.jobs.read(ref))!;
      await eventually(async () => expect((await record()).progress?.done).toBeGreaterThan(0));
      lose();
      await eventually(() => expect(models.fault).toBe(BROKEN));
      await eventually(async () => expect(await record()).toMatchObject({ status: "queued", losses: 1 }));
      find();
      const [made] = await ended([ref]);
      expect(made).toMatchObject({ status: "completed", attempt: 2, losses: 1, failures: 0 });
      expect(models.fault).toBeNull();
    },
  );

  it("a broken GPU beside a good worker costs one job a loss, and all jobs are made", async () => {
    // No GPU is left to CUDA, on a machine with one either.
    vi.stubEnv("CUDA_VISIBLE_DEVICES", "-1");
    onTestFinished(() => void vi.unstubAllEnvs());
    const [broken, good] = [await open([folder], { threads: 1, provider: "cuda" }), await open([folder])];
    const refs = await queue(6);
    startPulling(broken);
    await eventually(() => expect(broken.fault).toBe(BROKEN));
    startPulling(good);
    const records = await ended(refs);
    const sums = (name: "losses" | "failures") => records.map((record) => record[name]).toSorted();
    expect(records.map(({ status }) => status)).toEqual(refs.map(() => "completed"));
    expect([sums("losses"), sums("failures")]).toEqual([
      [0, 0, 0, 0, 0, 1],
      [0, 0, 0, 0, 0, 0],
    ]);
  });

  it("an opening that fails while the GPU does not work is the machine's fault at once, until a check succeeds", async () => {
    await preload(`process.exit(3);`);
    const accelerator = breakable();
    const models = await open([folder], {}, accelerator);
    accelerator.isBroken = true;
    const error = await failed(models.open(basename(folder)));
    expect(error).toMatchObject({ fault: "device_lost" });
    expect((error as GenerationError).cause).toMatchObject({
      message: expect.stringContaining("exit code 3"),
    });
    expect([models.fault, accelerator.checks]).toEqual([BROKEN, 1]);
    await expect(models.recheck()).rejects.toThrow("no device");
    accelerator.isBroken = false;
    await models.recheck();
    expect(models.fault).toBeNull();
  });

  it("a failure whose opening was cancelled, or whose files are damaged, says nothing of the GPU", async () => {
    const accelerator = breakable();
    const models = await open([folder, damaged], { threads: 1 }, accelerator);
    accelerator.isBroken = true;
    expect(await failed(models.open(basename(damaged)))).toMatchObject({ fault: "bad_files" });
    expect(await failed(models.open(basename(folder), AbortSignal.abort()))).toBeInstanceOf(Error);
    expect([accelerator.checks, models.fault]).toEqual([0, null]);
  });

  it("a run whose process has ended is lost if the GPU does not work either, and fails otherwise", async () => {
    const accelerator = breakable();
    const models = await open([folder], { threads: 1 }, accelerator);
    const run = async (isBroken: boolean) => {
      accelerator.isBroken = isBroken;
      const { pipeline } = await models.open(basename(folder));
      const generating = failed(
        pipeline.generate(
          requestFor(pipeline, { prompt: "a red circle", seed: 1, ...endless, cache: "off" }),
        ),
      );
      process.kill(pipeline.pid, "SIGKILL");
      return models.blame(await generating);
    };
    expect([await run(false), models.fault]).toMatchObject([{ fault: "killed" }, null]);
    expect([await run(true), models.fault]).toMatchObject([{ fault: "device_lost" }, BROKEN]);
  });

  it("a model is closed before the GPU is checked, and is opened again by the next job", async () => {
    const accelerator = breakable();
    const models = await open([folder], { threads: 1 }, accelerator);
    const { pipeline } = await models.open(basename(folder));
    const cause = new GenerationError("onnxruntime cannot run the model.");
    expect(await models.blame(cause)).toBe(cause);
    expect([pipeline.hasExited, models.warm, accelerator.checks]).toEqual([true, null, 1]);
    await models.open(basename(folder));
    expect([models.warm, models.fault]).toEqual([basename(folder), null]);
  });

  it("a run that was cancelled, or whose request the model refuses, leaves its model open", async () => {
    const accelerator = breakable();
    const models = await open([folder], { threads: 1 }, accelerator);
    await models.open(basename(folder));
    const cause = new RequestError("Choose 64x64.");
    expect(await models.blame(cause)).toBe(cause);
    expect(await models.blame(new Error("killed"), AbortSignal.abort())).toMatchObject({ message: "killed" });
    expect([models.warm, accelerator.checks]).toEqual([basename(folder), 0]);
  });

  it("an invocation is refused while the GPU does not work, and takes a job once it does", async () => {
    const accelerator = breakable();
    const models = await open([folder], { threads: 1 }, accelerator);
    const app = createGpuApp({ worker: workerOf(models).worker, models, log: silent });
    const [ref] = await queue(1);
    const invoke = () => app.request("/invocations", { method: "POST", body: JSON.stringify(ref) });
    accelerator.isBroken = true;
    await failed(accelerator.health.check());
    expect((await app.request("/ping")).status).toBe(503);
    const refused = await invoke();
    expect([refused.status, await refused.json()]).toMatchObject([503, { error: { code: "gpu_lost" } }]);
    expect(await place.jobs.read(ref!)).toMatchObject({ status: "queued", attempt: 0 });
    accelerator.isBroken = false;
    expect(await (await invoke()).json()).toMatchObject({ status: "completed", attempt: 1 });
    expect((await app.request("/ping")).status).toBe(200);
  });

  it("a check that is given up leaves the health of the GPU as it was known", async () => {
    const health = acceleratorHealth("cuda", async (_, { signal } = {}) => signal?.throwIfAborted());
    await expect(health.check(AbortSignal.abort())).rejects.toThrow();
    expect(health.isBroken).toBe(false);
  });
});

describe("models that cannot be opened", () => {
  it("the jobs of a model are made beside another one whose files are damaged, and the machine is not at fault", async () => {
    const models = await open([damaged, folder]);
    const hopeless = await queue(3, { model: basename(damaged) });
    const others = await queue(3);
    startPulling(models);
    const records = await ended([...hopeless, ...others]);
    expect(records.map(({ status }) => status)).toEqual(
      ["failed", "completed"].flatMap((status) => Array(3).fill(status)),
    );
    expect(records[0]).toMatchObject({ failures: 2, losses: 0, error: { code: "model_load_failed" } });
    expect(models.fault).toBeNull();
  });

  it("a machine on which each model failed is looked at model by model, and is well when one opens", async () => {
    await preload(`process.exit(3);`);
    const models = await open([damaged, folder]);
    for (const name of [folder, folder, folder].map((path) => basename(path)))
      await failed(models.open(name));
    expect(models.fault).toBeNull();
    await failed(models.open(basename(damaged)));
    expect(models.fault).toMatch(/^The last 4 attempts to open a model failed: /);
    vi.unstubAllEnvs();
    const looks = [await failed(models.recheck()), await failed(models.recheck())];
    expect(looks.filter((error) => error === null)).toHaveLength(1);
    expect(models.fault).toBeNull();
  });
});
