import { openModelFolder } from "../checkpoint/index.ts";
import type { Preview } from "../preview/index.ts";
import { limitsWith, policyOf, type ResolvedRequest, type VideoLimits } from "../request/index.ts";
import { Audits } from "./audit.ts";
import { GenerationError } from "./errors.ts";
import { type Generation, generateVideo, type PipelineMemory } from "./generation.ts";
import { knownRun } from "./known-run.ts";
import { openParts, type PipelineOptions } from "./model/parts.ts";
import type { Observer } from "./observer.ts";
import { prepareVideo } from "./prepared-video.ts";
import { Previews } from "./previews.ts";
import { type Progress, RunProgress } from "./progress.ts";
import { SharedSessions } from "./shared-sessions.ts";
import { type Trial, tryVideo } from "./trial.ts";

export interface GenerateOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /**
   * Called with previews between denoising steps, if the request wants them. They change nothing of the video. The
   * first video of a model without a map of its autoencoder has none.
   */
  readonly onPreview?: (preview: Preview) => void;
}

/**
 * A model that is opened once and makes one video after another. A second generation at the same time is refused,
 * because both would only share the processor; callers with many requests have to queue them.
 */
export interface Pipeline {
  readonly model: string;
  readonly limits: VideoLimits;
  /**
   * Generates the video of a request.
   *
   * @param request resolved against `limits`, which are not checked again
   * @throws RequestError for a prompt, cache policy or image that cannot be used, CancelledError, GenerationError while
   *   another generation runs, after `close` and for numbers that are not finite, or an error of the model's files
   */
  generate(request: ResolvedRequest, options?: GenerateOptions): Promise<Generation>;
  /**
   * Times the parts of a request's generation: two computed steps, a reused one and the decoder. Makes no video.
   *
   * @throws the errors of `generate`
   */
  measure(request: ResolvedRequest, options?: Pick<GenerateOptions, "signal" | "onProgress">): Promise<Trial>;
  /** Cancels the generation that is running, and frees the model once it has ended. */
  close(): Promise<void>;
}

export const BUSY =
  "This pipeline is making another video: wait until that has ended, or open a second pipeline.";
export const CLOSED = "The pipeline is closed.";

/**
 * Opens a model folder. Headers and configurations are read now, weights when they are first needed. The sessions of
 * the last shape of video stay open, so that a second video of that shape loads nothing. If its policy needs signals
 * that these sessions do not measure, they are reopened for the signals of both policies.
 *
 * @throws CheckpointError if the folder is not a model, or an Error naming a part that cannot be built
 * @example
 * ```ts
 * const pipeline = await openPipeline("models/demo");
 * const request = resolveRequest({ prompt: "a red circle", seed: 1 }, pipeline);
 * const { frames, trace } = await pipeline.generate(request);
 * await pipeline.close();
 * ```
 */
export async function openPipeline(
  folder: string,
  options: PipelineOptions = {},
  observer?: Observer,
): Promise<Pipeline> {
  const index = await openModelFolder(folder, options);
  const model = await openParts(index, options);
  const shared = new SharedSessions(model, observer);
  const memory: PipelineMemory = {
    audits: new Audits(),
    previews: new Previews(model.previewMap),
    paces: new Map(),
  };
  const closing = new AbortController();
  let running: Promise<unknown> | null = null;

  /** Prepares the video of a request. */
  async function prepare(request: ResolvedRequest, { signal, onProgress }: GenerateOptions) {
    const limits = limitsWith(request, model.limits);
    const policy = observer?.policy?.() ?? policyOf(request, knownRun({ ...model, limits }, memory.audits));
    const ending = signal ? AbortSignal.any([signal, closing.signal]) : closing.signal;
    const progress = new RunProgress(request.steps, ending, onProgress);
    const prepared = await prepareVideo(request, {
      model,
      policy,
      shared,
      observer,
      progress,
      signal: ending,
    });
    return { prepared, progress, limits };
  }

  /** Runs one video at a time. */
  async function alone<R>(run: () => Promise<R>): Promise<R> {
    if (closing.signal.aborted) throw new GenerationError(CLOSED);
    if (running) throw new GenerationError(BUSY);
    const begun = run();
    running = begun;
    try {
      return await begun;
    } finally {
      running = null;
    }
  }

  return {
    model: model.name,
    limits: model.limits,
    generate: (request, options = {}) =>
      alone(async () => {
        const { prepared, ...known } = await prepare(request, options);
        const { onPreview } = options;
        return generateVideo(prepared, { ...known, model, shared, memory, observer, onPreview });
      }),
    measure: (request, options = {}) =>
      alone(async () => {
        const { prepared, progress } = await prepare(request, options);
        return tryVideo(prepared, { model: model.name, progress });
      }),
    async close() {
      closing.abort();
      await running?.catch(() => undefined);
      await shared.release();
      await model.release();
    },
  };
}
