import {
  type CachePolicy,
  type CacheTrace,
  cacheTrace,
  computedBounds,
  type PromiseOutcome,
  promiseOutcome,
} from "../caching/index.ts";
import { openModelFolder } from "../checkpoint/index.ts";
import {
  type CutOptions,
  type DiffusionTransformer,
  type GraphSignalName,
  generationFeeds,
  givenFrames,
  guidanceBatch,
  nominalSize,
  precisionOf,
} from "../models/index.ts";
import type { Graph, Session } from "../onnx/index.ts";
import type { Preview, PreviewShape } from "../preview/index.ts";
import { limitsWith, policyOf, type ResolvedRequest, type VideoLimits } from "../request/index.ts";
import { gaussianNoise, type Sampler, withGivenFrames, withNoisyFrames } from "../sampling/index.ts";
import type { Frames } from "../video/index.ts";
import { Audits, auditedDb } from "./audit.ts";
import { type Deadline, deadlineFor, measurePace, type Pace, paceOf, promisedSeconds } from "./deadline.ts";
import { decodeFrames } from "./decode.ts";
import { type DenoisedStep, denoise, pauseUnlessCancelled } from "./denoise.ts";
import type { Denoiser, DenoisingSessions } from "./denoiser.ts";
import { beginWith, encodePictures } from "./encode-pictures.ts";
import { GenerationError } from "./errors.ts";
import { type GraphNeeds, guidanceScales } from "./experts.ts";
import { readPictures } from "./given-pictures.ts";
import { knownRun } from "./known-run.ts";
import type { OpenedLoras, UsedLora } from "./model/open-loras.ts";
import { openParts, type PipelineOptions } from "./model/parts.ts";
import { checkQuantization, type QuantizationCheck, quantizationNotes } from "./model/quantization-check.ts";
import type { ResidentPart } from "./model/residency.ts";
import { notesOf, unusedNegative } from "./notes.ts";
import { Previews } from "./previews.ts";
import { graphSignalsOf } from "./signals.ts";
import { encodePrompts } from "./text/prompts.ts";
import { readTexts, replacedTexts, unreadNotes } from "./text/read-texts.ts";
import { unknownWords } from "./text/unknown-words.ts";
import type { Trial } from "./trial.ts";
import { type VideoSessions, videoSessions } from "./video-sessions.ts";

export type Stage = "load" | "encode" | "denoise" | "decode";

/**
 * Progress of a generation: a stage that begins, or a denoising step that has ended. A step of a trial or an audit
 * repeats the progress before it. `load` comes again when a part is opened later, because memory holds no more.
 */
export interface Progress {
  readonly stage: Stage;
  /**
   * Denoising steps in total. Once the model is loaded they are those of its sampler, which may be more than the
   * request's.
   */
  readonly steps: number;
  /** Denoising steps done. */
  readonly done: number;
  /** Computed steps among those done. */
  readonly computed: number;
}

export interface GenerateOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /**
   * Called with previews between denoising steps, if the request wants them. They change nothing of the video. The
   * first video of a model without a map of its autoencoder has none.
   */
  readonly onPreview?: (preview: Preview) => void;
}

/** A finished video with its trace and timings. */
export interface Generation {
  readonly frames: Frames;
  readonly fps: number;
  /** Input of the decoder [C, F, H, W]. */
  readonly latent: Float32Array;
  readonly trace: CacheTrace;
  readonly seconds: Readonly<Record<Stage, number>>;
  /** Seconds of each denoising step, in order. */
  readonly stepSeconds: readonly number[];
  readonly tokens: number;
  readonly isPromptTruncated: boolean;
  readonly isNegativePromptTruncated: boolean;
  /** Text that the model read in place of the prompt; null if it read the prompt as it is. */
  readonly readPrompt: string | null;
  /** Text that the model read in place of the negative prompt; null if it read that as it is, or there is none. */
  readonly readNegativePrompt: string | null;
  /**
   * Words of the prompt and the negative prompt that the model has not learnt, in their order and as they were written;
   * none if the model may understand any word.
   */
  readonly unknownWords: readonly string[];
  /** Outcome of the promise that the request asks for; null without one. */
  readonly promise: PromiseOutcome | null;
  /** LoRA files that changed the transformers, in the order of the request. */
  readonly loras: readonly UsedLora[];
  /** Sentences about the run that a user should know. */
  readonly notes: readonly string[];
  readonly request: ResolvedRequest;
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

/** Observer of the denoising sessions, for measurements. */
export interface Observer {
  /** Signals to measure at every computed step in addition to the policy's. */
  readonly signals: readonly GraphSignalName[];
  /** Wraps the sessions of each transformer before the denoising loop uses them. */
  through(sessions: DenoisingSessions, of: Observed): DenoisingSessions;
  /** Returns the policy of the next generation, in place of its request's; null to leave that as it is. */
  policy?(): CachePolicy | null;
  /** Called with every video, and the latent [C, F, H, W] that it was decoded from. */
  decoded?(latent: Float32Array, shape: PreviewShape, video: Frames): void;
}

/** The transformer of sessions that are observed, and what is needed to run other cuts of it. */
export interface Observed {
  /** The same value in all generations that use these sessions. */
  readonly transformer: DiffusionTransformer;
  readonly guidanceScale: number;
  readonly sampler: Sampler;
  /** Options with which the graphs of the transformer are built. */
  readonly cut: CutOptions;
  /** Opens a session on another graph of the transformer, built with `cut`. The observer releases it. */
  open(graph: Graph): Promise<Session>;
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
  let shaped: {
    readonly key: string;
    readonly needs: GraphNeeds;
    readonly sessions: VideoSessions;
  } | null = null;
  let running: Promise<Generation | Trial> | null = null;
  let checking: Promise<readonly QuantizationCheck[]> | null = null;
  const audits = new Audits();
  const previews = new Previews(model.previewMap);
  /** Seconds of steps and of the decoder, by shape of video. */
  const paces = new Map<string, Pace>();
  const closing = new AbortController();

  /** Returns the key of the requests that share sessions. */
  function shapeKey(request: ResolvedRequest, loras: OpenedLoras): string {
    const { width, height, frames, fps, image, lastImage } = request;
    const batches = guidanceScales(model, request).map((scale) => guidanceBatch(scale));
    const pictures = [image !== undefined, lastImage !== undefined];
    return [width, height, frames, fps, ...pictures, ...batches, loras.key].join();
  }

  /** Compares the blocks in 8-bit integers with float32, once; null in other precisions. */
  async function quantization(): Promise<readonly QuantizationCheck[] | null> {
    if (precisionOf(options) !== "int8") return null;
    checking ??= checkQuantization(model);
    return checking;
  }

  async function sessionsFor(
    request: ResolvedRequest,
    policy: CachePolicy,
    loras: OpenedLoras,
  ): Promise<VideoSessions> {
    const key = shapeKey(request, loras);
    const needed = [...graphSignalsOf(policy.signals), ...(observer?.signals ?? [])];
    const forecasts = (policy.residuals ?? 1) > 1;
    const opened = shaped?.key === key ? shaped : null;
    const suffices =
      needed.every((name) => opened?.needs.signals.has(name)) && (opened?.needs.forecasts || !forecasts);
    if (opened && suffices) return opened.sessions;
    const needs = {
      signals: new Set([...needed, ...(opened?.needs.signals ?? [])]),
      forecasts: forecasts || (opened?.needs.forecasts ?? false),
      readsResiduals: observer !== undefined,
    };
    await shaped?.sessions.release();
    shaped = null;
    shaped = {
      key,
      needs,
      sessions: videoSessions(model, request, { ...needs, loras, quantization: await quantization() }),
    };
    return shaped.sessions;
  }

  async function run(
    request: ResolvedRequest,
    signal: AbortSignal,
    { onProgress, onPreview }: Pick<GenerateOptions, "onProgress" | "onPreview">,
    isTrial: boolean,
  ): Promise<Generation | Trial> {
    const limits = limitsWith(request, model.limits);
    const policy = observer?.policy?.() ?? policyOf(request, knownRun({ ...model, limits }, audits));
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
      seconds[stage] += (performance.now() - started) / 1000;
      return result;
    };

    const isGuided = guidanceBatch(...guidanceScales(model, request)) === 2;
    const asked = isGuided ? request : { ...request, negativePrompt: null };
    const read = readTexts(model, asked);
    const pictures = await readPictures(request, model.recipe);
    const [loras, sessions] = await timed("load", async () => {
      const asked = await model.loras.open(request);
      const prepared = await sessionsFor(request, policy, asked);
      await prepared.open();
      return [asked, prepared];
    });
    /** Opens a part that is used next, where memory was too small to open it before. */
    const ready = async <R>(part: ResidentPart, open: () => Promise<R>): Promise<R> =>
      sessions.isOpen(part) ? open() : timed("load", open);
    const { experts, latentShape } = sessions;
    const { conditions, text, tokens } = experts.transformers[0]!;
    const scales = guidanceScales(model, request);
    const { channels, frames, height, width } = latentShape;
    const latent = gaussianNoise(request.seed, channels * frames * height * width);
    const keptFrames = givenFrames(conditions) ?? 0;
    const { texts, encoded } = await timed("encode", async () => {
      const shape = { frames: request.frames, latent: latentShape };
      if (pictures) await sessions.makeRoom("image_encoder");
      const encoded = pictures && (await encodePictures(pictures, { conditions }, shape, { model, signal }));
      if (encoded && keptFrames > 0) beginWith(encoded.latent, latent, latentShape);
      await sessions.makeRoom("text_encoder");
      const texts = await encodePrompts(model, text, { ...read, batch: guidanceBatch(...scales) });
      return { texts, encoded };
    });
    const [prompt, negativePrompt] = texts;
    const denoiser = (index: number, opened: DenoisingSessions): Denoiser => {
      const [transformer, guidanceScale] = [experts.transformers[index]!, scales[index]!];
      const given = {
        texts: texts.slice(0, guidanceBatch(guidanceScale)),
        ...(encoded && { pictures: encoded }),
      };
      const feeds = generationFeeds(transformer.conditions, given);
      const open = (graph: Graph) => experts.openGraph(index, graph);
      const of = { transformer, guidanceScale, sampler, cut: experts.cut(index), open };
      const sessions = observer?.through(opened, of) ?? opened;
      return { transformer, sessions, guidanceScale, feeds };
    };

    const told = nominalSize(model.recipe, request);
    const samplers = model.samplerWith(request);
    const run = { steps: request.steps, ...told, latentFrames: frames, tokens, seed: request.seed };
    const free = samplers(run);
    const kept = { channels, frames, given: keptFrames };
    const { given_noise: scale } = model.recipe;
    const keeping = () =>
      scale > 0
        ? withNoisyFrames(free, latent, { ...kept, scale, seed: request.seed })
        : withGivenFrames(free, kept);
    const sampler = keptFrames > 0 ? keeping() : free;
    planned = sampler.timesteps.length;
    const openFirst = async () => denoiser(0, await ready("transformer", () => sessions.openExpert(0)));
    const openDecoder = () => ready("decoder", () => sessions.openDecoding());
    const decode = async (latent: Float32Array) =>
      decodeFrames(latent, latentShape, { ...(await openDecoder()), seed: request.seed, signal });
    const denoising = {
      successor:
        scales.length > 1
          ? {
              below: model.boundaryTimestep,
              async open() {
                report("load");
                return denoiser(1, await sessions.openExpert(1));
              },
            }
          : undefined,
      sampler,
      signal,
    };
    const paceKey = shapeKey(request, loras);
    const atMost = promisedSeconds(policy);
    if (isTrial) {
      const trial = { ...denoising, ...(await openFirst()), latent, onStep: () => report("denoise") };
      const pace = await measurePace(trial, decode);
      const { load, encode } = seconds;
      return {
        model: model.name,
        steps: planned,
        computed: computedBounds(policy, planned),
        seconds: { load, encode, ...pace },
        secondsMost: atMost,
      };
    }
    let deadline: Deadline | null = null;
    if (atMost !== null) {
      const onStep = () => report("encode");
      const trial = async () => ({ ...denoising, ...(await openFirst()), latent, onStep });
      const pace = paces.get(paceKey) ?? (await measurePace(await trial(), decode));
      deadline = deadlineFor(atMost, { pace, encodeSeconds: seconds.encode, steps: planned });
    }
    const noise = request.audit && policy.name !== "off" ? latent.slice() : null;
    const first = await openFirst();
    const previewed = { ...latentShape, given: keptFrames, seconds: request.frames / request.fps };
    const listener = request.preview ? onPreview : undefined;
    const watch = listener && previews.start({ steps: planned, shape: previewed }, listener);
    const steps = await timed("denoise", () =>
      denoise({
        ...denoising,
        ...first,
        policy,
        latent,
        secondsAvailable: deadline?.secondsAvailable,
        known: { stepSeconds: deadline?.pace ?? null },
        onStep(step: DenoisedStep) {
          done += 1;
          if (step.trace.computed) computed += 1;
          report("denoise");
        },
        onEstimate: watch ?? undefined,
      }),
    );
    await openDecoder();
    const video = await timed("decode", () => decode(latent));
    observer?.decoded?.(latent, previewed, video);
    if (listener) previews.learn(latent, previewed, video);
    paces.set(paceKey, paceOf(steps, seconds.decode, paces.get(paceKey)));
    const predictedDb =
      steps.findLast(({ trace }) => typeof trace.predicted === "number")?.trace.predicted ?? null;
    // The memory of the first transformer may have been taken since, which is then opened again.
    const audit = async (latent: Float32Array) => {
      const onStep = () => report("decode");
      return auditedDb({ ...denoising, ...(await openFirst()), latent, onStep }, video, decode);
    };
    const audited = noise ? await audit(noise) : null;
    const replaced = replacedTexts(read, asked);
    if (audited !== null && predictedDb !== null) audits.add(audited, predictedDb);
    return {
      frames: video,
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
      readPrompt: replaced.prompt,
      readNegativePrompt: replaced.negativePrompt,
      unknownWords: unknownWords(model, request),
      promise: promiseOutcome(policy, {
        computed,
        seconds: seconds.encode + seconds.denoise + seconds.decode,
        predictedDb,
        predictedSeconds: deadline?.predictedSeconds ?? null,
        auditedDb: audited,
      }),
      loras: loras.used,
      notes: [
        ...model.folderNotes,
        ...quantizationNotes((await quantization()) ?? []),
        ...(listener && !watch ? [previews.whyNone] : []),
        ...unreadNotes(model, asked),
        ...(isGuided ? [] : unusedNegative(request, limits)),
        ...notesOf(request, policy, { limits, auditedDb: audited, loras: loras.used }),
      ],
      request,
    };
  }

  async function begin(
    request: ResolvedRequest,
    { signal, ...listeners }: GenerateOptions,
    isTrial: boolean,
  ): Promise<Generation | Trial> {
    if (closing.signal.aborted) throw new GenerationError(CLOSED);
    if (running) throw new GenerationError(BUSY);
    const ending = signal ? AbortSignal.any([signal, closing.signal]) : closing.signal;
    running = run(request, ending, listeners, isTrial);
    try {
      return await running;
    } finally {
      running = null;
    }
  }

  return {
    model: model.name,
    limits: model.limits,
    generate: async (request, options = {}) => (await begin(request, options, false)) as Generation,
    measure: async (request, options = {}) => (await begin(request, options, true)) as Trial,
    async close() {
      closing.abort();
      await running?.catch(() => undefined);
      await shaped?.sessions.release();
      await model.release();
    },
  };
}
