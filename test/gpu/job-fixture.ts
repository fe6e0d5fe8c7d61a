import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { openProvenance, type Provenance } from "../../lib/generation/provenance/index.ts";
import { type ResolvedRequest, resolvedRequestSchema } from "../../lib/generation/request/index.ts";
import { type JobRef, type JobStore, jobStore, newVideoId } from "../../lib/service/jobs/index.ts";
import { type ObjectStore, openStore } from "../../lib/service/storage/index.ts";
import { system } from "../../lib/shared/system.ts";
import { writeTinyModel } from "../generation/pipeline/tiny-model.ts";

export const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Marks videos and signs none, for tests of something else. */
export const marksOnly: Provenance = await openProvenance("mark", () =>
  Promise.reject(new Error("no signer")),
);

/** Options of runs, for tests of something else. */
export const quietRun = {
  leaseMs: 60_000,
  progressIntervalMs: 10,
  maxRunMs: 3_600_000,
  auditShare: 0,
  provenance: marksOnly,
  provider: "cpu",
  precision: "float32",
  workerKind: "cpu of a test",
  log: silent,
} as const;

/** Clock that a test can advance. */
export function shiftableClock() {
  return {
    aheadMs: 0,
    now(): number {
      return Date.now() + this.aheadMs;
    },
  };
}

export interface Workplace {
  readonly url: string;
  readonly store: ObjectStore;
  readonly clock: ReturnType<typeof shiftableClock>;
  readonly jobs: JobStore;
  /** Queues a video of the model in `folder`. */
  queue(
    params?: Partial<ResolvedRequest>,
    options?: { deadlineMs?: number; tenant?: string },
  ): Promise<JobRef>;
  artifacts(): Promise<readonly string[]>;
  remove(): Promise<void>;
}

/** Writes a tiny model, and opens a store of jobs for it. The store and the model are removed together. */
export async function openTinyWorkplace(): Promise<{ readonly folder: string; readonly place: Workplace }> {
  const folder = await writeTinyModel();
  const place = await openWorkplace(folder);
  const remove = async () => {
    await place.remove();
    await rm(folder, { recursive: true });
  };
  return { folder, place: { ...place, remove } };
}

/** Opens a store of jobs, in a temporary folder or at the given URL. */
export async function openWorkplace(modelFolder: string, storeUrl?: string): Promise<Workplace> {
  const folder = await mkdtemp(join(tmpdir(), "adareel-gpu-"));
  const url = storeUrl ?? pathToFileURL(folder).href;
  const store = await openStore(url, { signUrl: () => "" });
  const clock = shiftableClock();
  const jobs = jobStore({ store, clock, random: randomBytes, sleep: system.sleep });
  const defaults = resolvedRequestSchema.parse({
    model: basename(modelFolder),
    prompt: "a red circle moves",
    negativePrompt: null,
    seed: 5,
    steps: 8,
    guidanceScale: 4,
    width: 16,
    height: 16,
    frames: 4,
    fps: 8,
    cache: { policy: "static:2", motion: true, warmupSteps: 0 },
    compare: false,
  });
  return {
    url,
    store,
    clock,
    jobs,
    async queue(params = {}, { deadlineMs = 3_600_000, tenant = "acme" } = {}) {
      const id = newVideoId(clock, randomBytes);
      const createdAt = clock.now();
      const ref = { tenant, id };
      await jobs.create(
        {
          ...ref,
          keyId: "key",
          createdAt,
          deadlineAt: createdAt + deadlineMs,
          expiresAt: createdAt + 86_400_000,
          params: { ...defaults, ...params },
          metadata: {},
          remixedFrom: null,
          webhook: null,
        },
        { unfinishedMax: 100 },
      );
      return ref;
    },
    artifacts: async () => (await store.list("artifacts/")).keys,
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Parameters of a video with so many steps that no test waits for its end. */
export const endless = {
  steps: 1000,
  cache: { policy: "off", motion: true, warmupSteps: 0 },
} satisfies Partial<ResolvedRequest>;
