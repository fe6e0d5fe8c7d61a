import { type CachePolicy, type CacheTrace, cacheTrace } from "../caching/index.ts";
import { openModelFolder } from "../checkpoint/index.ts";
import {
  type GraphSignalName,
  generationFeeds,
  givenFrames,
  guidanceBatch,
  nominalSize,
} from "../models/index.ts";
import { policyOf, type ResolvedRequest, type VideoLimits } from "../request/index.ts";
import { gaussianNoise, withGivenFrames } from "../sampling/index.ts";
import type { Frames } from "../video/index.ts";
import { decodeFrames } from "./decode.ts";
import {
  type DenoisedStep,
  type Denoiser,
  type DenoisingSessions,
  denoise,
  pauseUnlessCancelled,
} from "./denoise.ts";
import { GenerationError } from "./errors.ts";
import { guidanceScales } from "./experts.ts";
import { beginWith, readFirstFrame } from "./first-frame.ts";
import { openParts, type PipelineOptions } from "./model/parts.ts";
import { graphSignalsOf } from "./signals.ts";
import { encodePrompts } from "./text/prompts.ts";
import { openVideoSessions, type VideoSessions } from "./video-sessions.ts";

export type Stage = "load" | "encode" | "denoise" | "decode";

/** Where a generation is: a stage that begins, or a denoising step that ended. */
export interface Progress {
  readonly stage: Stage;
  /** Denoising steps; once the model is loaded, those of its sampler, which may be more than were asked for. */
  readonly steps: number;
  /** Denoising steps done. */
  readonly done: number;
  /** Of those, how many were computed. */
  readonly computed: number;
}

export interface GenerateOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** A finished video, and how it was made. */
export interface Generation {
  readonly frames: Frames;
  readonly fps: number;
  /** [C, F, H, W], what the decoder was given. */
  readonly latent: Float32Array;
  readonly trace: CacheTrace;
  readonly seconds: Readonly<Record<Stage, number>>;
  /** Of each denoising step, in order. */
  readonly stepSeconds: readonly number[];
  readonly tokens: number;
  readonly isPromptTruncated: boolean;
  readonly isNegativePromptTruncated: boolean;
  readonly request: ResolvedRequest;
}

/**
 * A model, opened once and used for one generation after another. Two at once would only share what one of
 * them has alone, so the second is refused; whoever has many requests keeps the queue.
 */
export interface Pipeline {
  readonly model: string;
  readonly limits: VideoLimits;
  /**
   * @param request resolved against `limits`, which are not checked again
   * @throws RequestError for a cache policy or an image that cannot be used, CancelledError, GenerationError while
   *   another generation runs and after `close`, or an error of the model's files
   */
  generate(request: ResolvedRequest, options?: GenerateOptions): Promise<Generation>;
  /** Cancels the generation under way, and frees the model once it has ended. */
  close(): Promise<void>;
}

/** A measurement that looks on while videos are made. */
export interface Observer {
  /** Signals that it needs at every computed step, whatever the policy. */
  readonly signals: readonly GraphSignalName[];
  /** Stands between the denoising loop and the sessions of each transformer. */
  through(sessions: DenoisingSessions): DenoisingSessions;
}

export const BUSY =
  "This pipeline is making another video: wait until that has ended, or open a second pipeline.";
export const CLOSED = "The pipeline is closed.";

/**
 * Opens a model folder. Headers and configurations are read now, weights when they are first needed; the
 * sessions of the last shape of video stay open, so that a second video of that shape loads nothing. Where its
 * policy needs signals that they do not measure, they are opened again, once, for the signals of both.
 *
 * @throws CheckpointError when the folder is not a model, or an Error naming a part that cannot be built
 */
export async function openPipeline(
  folder: string,
  options: PipelineOptions = {},
  observer?: Observer,
): Promise<Pipeline> {
  const index = await openModelFolder(folder);
  const model = await openParts(index, options);
  let shaped: {
    readonly key: string;
    readonly signals: ReadonlySet<GraphSignalName>;
    readonly sessions: VideoSessions;
  } | null = null;
  let running: Promise<Generation> | null = null;
  const closing = new AbortController();
  const through = (sessions: DenoisingSessions) => observer?.through(sessions) ?? sessions;

  async function sessionsFor(request: ResolvedRequest, policy: CachePolicy): Promise<VideoSessions> {
    const { width, height, frames, fps, image } = request;
    const batches = guidanceScales(model, request).map((scale) => guidanceBatch(scale));
    const key = [width, height, frames, fps, image !== undefined, ...batches].join();
    const needed = [...graphSignalsOf(policy.signals), ...(observer?.signals ?? [])];
    if (shaped?.key === key && needed.every((name) => shaped!.signals.has(name))) return shaped.sessions;
    const signals = new Set([...needed, ...(shaped?.key === key ? shaped.signals : [])]);
    await shaped?.sessions.release();
    shaped = null;
    shaped = { key, signals, sessions: await openVideoSessions(model, request, signals) };
    return shaped.sessions;
  }

  async function run(
    request: ResolvedRequest,
    signal: AbortSignal,
    onProgress: GenerateOptions["onProgress"],
  ): Promise<Generation> {
    const policy = policyOf(request);
    let planned = request.steps;
    let done = 0;
    let computed = 0;
    const report = (stage: Stage) => onProgress?.({ stage, steps: planned, done, computed });
    const seconds: Record<Stage, number> = { load: 0, encode: 0, denoise: 0, decode: 0 };
    const timed = async <R>(stage: Stage, work: () => Promise<R>): Promise<R> => {
      await pauseUnlessCancelled(signal);
      report(stage);
      const started = performance.now();
      const result = await work();
      seconds[stage] = (performance.now() - started) / 1000;
      return result;
    };

    const picture = await readFirstFrame(request, model.recipe);
    const [sessions, firstSessions] = await timed("load", async () => {
      const opened = await sessionsFor(request, policy);
      const first = await opened.experts.open(0);
      await model.openEncoder(opened.experts.transformers[0]!.text.length);
      return [opened, first];
    });
    const { experts, latentShape } = sessions;
    const { conditions, text } = experts.transformers[0]!;
    const scales = guidanceScales(model, request);
    const { channels, frames, height, width } = latentShape;
    const latent = gaussianNoise(request.seed, channels * frames * height * width);
    const texts = await timed("encode", async () => {
      if (picture) await beginWith(picture, latent, latentShape, model);
      return encodePrompts(model, text, { ...request, batch: guidanceBatch(...scales) });
    });
    const [prompt, negativePrompt] = texts;
    const denoiser = (index: number, sessions: DenoisingSessions): Denoiser => {
      const [transformer, guidanceScale] = [experts.transformers[index]!, scales[index]!];
      const given = { texts: texts.slice(0, guidanceBatch(guidanceScale)) };
      const feeds = generationFeeds(transformer.conditions, given);
      return { transformer, sessions: through(sessions), guidanceScale, feeds };
    };

    const told = nominalSize(model.recipe, request);
    const free = model.sampler({ steps: request.steps, ...told, latentFrames: frames });
    const given = givenFrames(conditions) ?? 0;
    const sampler = given > 0 ? withGivenFrames(free, { channels, frames, given }) : free;
    planned = sampler.timesteps.length;
    const steps = await timed("denoise", () =>
      denoise({
        ...denoiser(0, firstSessions),
        successor:
          scales.length > 1
            ? { below: model.boundaryTimestep, open: async () => denoiser(1, await experts.open(1)) }
            : undefined,
        sampler,
        policy,
        latent,
        signal,
        onStep(step: DenoisedStep) {
          done += 1;
          if (step.trace.computed) computed += 1;
          report("denoise");
        },
      }),
    );
    const pictures = await timed("decode", () =>
      decodeFrames(latent, latentShape, { ...sessions.decoding, signal }),
    );
    return {
      frames: pictures,
      fps: request.fps,
      latent,
      trace: cacheTrace(
        model.name,
        policy,
        steps.map((step) => step.trace),
      ),
      seconds,
      stepSeconds: steps.map((step) => step.seconds),
      tokens: prompt.tokens,
      isPromptTruncated: prompt.isTruncated,
      isNegativePromptTruncated: negativePrompt?.isTruncated ?? false,
      request,
    };
  }

  async function generate(
    request: ResolvedRequest,
    { signal, onProgress }: GenerateOptions = {},
  ): Promise<Generation> {
    if (closing.signal.aborted) throw new GenerationError(CLOSED);
    if (running) throw new GenerationError(BUSY);
    running = run(request, signal ? AbortSignal.any([signal, closing.signal]) : closing.signal, onProgress);
    try {
      return await running;
    } finally {
      running = null;
    }
  }

  return {
    model: model.name,
    limits: model.limits,
    generate,
    async close() {
      closing.abort();
      await running?.catch(() => undefined);
      await shaped?.sessions.release();
      await model.release();
    },
  };
}
