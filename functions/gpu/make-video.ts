import {
  type Generation,
  GenerationError,
  type PipelineProcess,
} from "../../lib/generation/pipeline/index.ts";
import type { Preview } from "../../lib/generation/preview/index.ts";
import type { Provenance, Sealed } from "../../lib/generation/provenance/index.ts";
import {
  kindOf,
  type ResolvedRequest,
  resolvedRequestSchema,
  withoutCache,
} from "../../lib/generation/request/index.ts";
import {
  type Encoder,
  encodePoster,
  encodeVideo,
  type Frames,
  type StartedVideo,
  startVideo,
} from "../../lib/generation/video/index.ts";
import type { JobProgress, JobRecord, Outputs, Receipt } from "../../lib/service/jobs/index.ts";
import type { MeasuredRun } from "../../lib/service/quotes/index.ts";
import type { ObjectStore } from "../../lib/service/storage/index.ts";
import type { Clock } from "../../lib/shared/ports.ts";
import { type AttemptProgress, attemptProgress, type StepProgress } from "./attempt-progress.ts";
import { isInShare } from "./audit-share.ts";
import { compare } from "./comparison.ts";
import { JobFailure } from "./failure.ts";
import { withInputs } from "./inputs.ts";
import { measuredRun } from "./measured-run.ts";
import type { PastVideos } from "./past-videos.ts";
import { receiptOf } from "./receipt.ts";
import { sealOutputs } from "./seal.ts";
import { unlessAborted } from "./unless-aborted.ts";
import { type Output, uploadOutput } from "./upload.ts";
import type { WarmModel, WarmModels } from "./warm-models.ts";

export interface MakeOptions {
  readonly store: ObjectStore;
  readonly models: WarmModels;
  readonly clock: Clock;
  readonly provider: string;
  readonly precision: Receipt["precision"];
  /** Kind of this worker in the runs that it measures, as `workerKind` names it. */
  readonly workerKind: string;
  /** Share of jobs that are audited without being asked, 0 to 1. */
  readonly auditShare: number;
  /** Marks and signs the videos. */
  readonly provenance: Provenance;
  /** Videos made before, by which the end of this one is predicted. */
  readonly past: PastVideos;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: JobProgress) => void;
  /** Called with previews of the video, if its request wants them. A comparison's second run has none. */
  readonly onPreview?: ((preview: Preview) => void) | undefined;
}

/** Options of the parts of a run. */
interface RunOptions extends Omit<MakeOptions, "onProgress"> {
  readonly onProgress: (progress: StepProgress) => void;
}

/** Measured run of a model. */
export interface FinishedRun {
  readonly model: string;
  readonly took: MeasuredRun;
}

interface Generations {
  readonly generation: Generation;
  /** Generation without cache; null unless the job asks for a comparison. */
  readonly uncached: Generation | null;
}

/**
 * Makes the video of a job that was just claimed, stores its outputs under the keys of the attempt, and returns them
 * with the compute receipt. It stores nothing more once `signal` is aborted.
 *
 * @throws JobFailure or an error for `failureOf`; CancelledError or the reason of `signal` once that is aborted
 */
export async function makeVideo(
  record: JobRecord,
  options: MakeOptions,
): Promise<{ outputs: Outputs; receipt: Receipt; run: FinishedRun }> {
  const { clock, provider, precision, workerKind } = options;
  const begun = performance.now();
  const queue = secondsBetween(record.createdAt, record.updatedAt);
  const asked = resolvedRequestSchema.parse(record.params);
  const request = { ...asked, audit: asked.audit || isInShare(record.id, options.auditShare) };
  const kind = kindOf(request);
  const attempt = attemptProgress({ runs: runsOf(request), last: options.past.last(kind) });
  let started: StartedVideo | null = null;
  const running: RunOptions = {
    ...options,
    onProgress(progress) {
      // While the model decodes, the encoder starts.
      if (progress.stage === "decode") started ??= startVideo(request);
      options.onProgress(attempt.at(progress));
    },
  };
  const isCold = options.models.warm !== request.model;
  const { result: model, seconds: load } = await timed(() => openModel(request, running));
  const made = async () => {
    const generations = await withInputs(record, request, options, (readable) =>
      generate(readable, model.pipeline, running).catch(async (cause: unknown) => {
        throw await options.models.blame(cause, options.signal);
      }),
    );
    const { generation, uncached } = generations;
    const { result, seconds: storeSeconds } = await timed(async () => ({
      comparison: uncached && (await compare(generation, uncached)),
      stored: await encodeAndUpload(record, { ...generations, weights: model.weights }, started, running),
    }));
    options.past.keep(kind, pastVideo(generation, attempt, storeSeconds));
    return { ...generations, ...result };
  };
  const { generation, comparison, stored } = await made().finally(() => started?.cancel());
  const { bytes, sha256 } = stored.outputs.video;
  const total = secondsBetween(record.createdAt, clock.now());
  const receipt = receiptOf({
    record,
    generation,
    seconds: { queue, load, write: stored.writeSeconds, upload: stored.uploadSeconds, total },
    comparison,
    video: { bytes, sha256, encoder: stored.encoder },
    sealed: stored.sealed,
    provider,
    precision,
    weights: stored.weights,
    now: clock.now(),
  });
  const makeSeconds = (performance.now() - begun) / 1000;
  const took = measuredRun({
    record,
    generation,
    receipt,
    workerKind,
    isCold,
    makeSeconds,
    now: clock.now(),
  });
  return { outputs: stored.outputs, receipt, run: { model: request.model, took } };
}

function pastVideo({ seconds }: Generation, { taken, reusedSeconds }: AttemptProgress, storeSeconds: number) {
  return { taken, reusedSeconds, decodeSeconds: seconds.decode, storeSeconds };
}

/** Returns the number of runs of a request. */
function runsOf({ compare }: ResolvedRequest): number {
  return compare ? 2 : 1;
}

/** Returns whether the model of a job is among these. */
export function canMake({ params }: JobRecord, { names }: Pick<WarmModels, "names">): boolean {
  return names.includes(params.model);
}

async function openModel(
  { model, steps }: ResolvedRequest,
  { models, signal, onProgress }: RunOptions,
): Promise<WarmModel> {
  if (!models.names.includes(model)) {
    throw new JobFailure("model_load_failed", "No worker has that model.", { isRetryable: false });
  }
  onProgress({ stage: "load", steps, done: 0, computed: 0 });
  return models.open(model, signal).catch((cause: unknown) => {
    const fault = cause instanceof GenerationError ? cause.fault : null;
    if (fault === "stalled" || fault === "device_lost" || fault === "bad_files") throw cause;
    if (fault === "killed") {
      const message = "The worker was killed while it opened the model, most likely because memory ran out.";
      throw new JobFailure("out_of_memory", message, { cause });
    }
    throw new JobFailure("model_load_failed", "The model cannot be opened.", { cause });
  });
}

/**
 * Generates the video, and for a comparison also the video without cache. A comparison reports its progress as one run
 * of twice the steps, so that progress never decreases. Once the pipeline knows them, the steps are the model's
 * evaluations; the sampler may make more of them than the steps requested.
 */
async function generate(
  request: ResolvedRequest,
  pipeline: PipelineProcess,
  { signal, onProgress, onPreview }: RunOptions,
): Promise<Generations> {
  const runs = runsOf(request);
  const generation = await pipeline.generate(request, {
    signal,
    onProgress: (progress) => onProgress({ ...progress, steps: progress.steps * runs }),
    ...(onPreview && { onPreview }),
  });
  if (runs === 1) return { generation, uncached: null };
  const evaluations = generation.trace.steps;
  const before = generation.trace.schedule.filter(({ computed }) => computed).length;
  const uncached = await pipeline.generate(withoutCache(request), {
    signal,
    onProgress: ({ stage, done, computed }) =>
      onProgress({
        stage,
        steps: evaluations * runs,
        done: evaluations + done,
        computed: before + computed,
      }),
  });
  return { generation, uncached };
}

interface Stored {
  readonly outputs: Outputs;
  readonly encoder: Encoder;
  readonly sealed: Sealed;
  readonly weights: Readonly<Record<string, string>>;
  readonly writeSeconds: number;
  readonly uploadSeconds: number;
}

async function encodeAndUpload(
  record: JobRecord,
  generations: Generations & Pick<WarmModel, "weights">,
  started: StartedVideo | null,
  { store, provenance, provider, precision, signal, onProgress }: RunOptions,
): Promise<Stored> {
  const steps = schedules(generations).length;
  const computed = schedules(generations).filter((step) => step.computed).length;
  onProgress({ stage: "write", steps, done: steps, computed });
  const { result: written, seconds: encodeSeconds } = await timed(() => encode(generations, started));
  const weights = await unlessAborted(generations.weights, signal);
  const { result: encoded, seconds: sealSeconds } = await timed(() =>
    sealOutputs(written, generations, { record, provenance, provider, precision, weights }),
  );
  const upload = (output: Output) => uploadOutput(store, record, output, signal);
  signal.throwIfAborted();
  const { result: outputs, seconds: uploadSeconds } = await timed(async () => {
    const [video, thumbnail, uncached] = await Promise.all([
      upload(encoded.video),
      upload(encoded.thumbnail),
      encoded.uncached && upload(encoded.uncached),
    ]);
    return { video, thumbnail, uncached };
  });
  const { encoder, sealed } = encoded;
  return { outputs, encoder, sealed, weights, writeSeconds: encodeSeconds + sealSeconds, uploadSeconds };
}

async function encode({ generation, uncached }: Generations, started: StartedVideo | null) {
  const { frames, fps } = generation;
  const thumbnail = "thumbnail.webp";
  const [{ bytes, encoder }, poster] = await Promise.all([
    started ? started.encode(frames) : encodeVideo(frames, { fps }),
    encodePoster(thumbnail, frames),
  ]);
  const ending = encoder === "webp" ? "webp" : "mp4";
  const other = async (frames: Frames) => ({
    name: `uncached.${ending}`,
    body: (await encodeVideo(frames, { fps, encoder })).bytes,
  });
  return {
    video: { name: `video.${ending}`, body: bytes },
    thumbnail: { name: thumbnail, body: poster },
    uncached: uncached && (await other(uncached.frames)),
    encoder,
  };
}

function schedules({ generation, uncached }: Generations) {
  return [generation, uncached].flatMap((made) => made?.trace.schedule ?? []);
}

async function timed<R>(work: () => Promise<R>): Promise<{ result: R; seconds: number }> {
  const started = performance.now();
  const result = await work();
  return { result, seconds: (performance.now() - started) / 1000 };
}

/** Returns the seconds between two times, at least 0, because the clocks of two machines may differ. */
function secondsBetween(from: number, to: number): number {
  return Math.max(0, to - from) / 1000;
}
