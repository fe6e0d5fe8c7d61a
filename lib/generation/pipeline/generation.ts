import {
  type CacheTrace,
  cacheTrace,
  type PromiseOutcome,
  promisedSeconds,
  promiseOutcome,
} from "../caching/index.ts";
import type { Preview } from "../preview/index.ts";
import type { ResolvedRequest, VideoLimits } from "../request/index.ts";
import type { Frames } from "../video/index.ts";
import { type Audits, auditedDb } from "./audit.ts";
import { type Deadline, deadlineFor, measurePace, type Pace, paceOf } from "./deadline.ts";
import { denoise } from "./denoise.ts";
import type { UsedLora } from "./model/open-loras.ts";
import type { ModelParts } from "./model/parts.ts";
import { quantizationNotes } from "./model/quantization-check.ts";
import { notesOf, unusedNegative } from "./notes.ts";
import type { Observer } from "./observer.ts";
import type { PreparedVideo } from "./prepared-video.ts";
import type { Previews } from "./previews.ts";
import type { RunProgress, Stage } from "./progress.ts";
import { type SharedSessions, shapeKey } from "./shared-sessions.ts";
import { replacedTexts, unreadNotes } from "./text/read-texts.ts";
import { unknownWords } from "./text/unknown-words.ts";

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

/** Knowledge that a pipeline keeps from one video to the next. */
export interface PipelineMemory {
  readonly audits: Audits;
  readonly previews: Previews;
  /** Seconds of steps and of the decoder, by shape of video. */
  readonly paces: Map<string, Pace>;
}

export interface GenerationOptions {
  readonly model: ModelParts;
  readonly shared: SharedSessions;
  readonly memory: PipelineMemory;
  readonly limits: VideoLimits;
  readonly observer: Observer | undefined;
  readonly progress: RunProgress;
  readonly onPreview: ((preview: Preview) => void) | undefined;
}

/**
 * Denoises and decodes a video, and audits it if its request wants that.
 *
 * @throws the errors of `Pipeline.generate`
 */
export async function generateVideo(
  prepared: PreparedVideo,
  { model, shared, memory, limits, observer, progress, onPreview }: GenerationOptions,
): Promise<Generation> {
  const { request, policy, asked, read, loras, latent, shape, denoising, decode } = prepared;
  const { audits, previews, paces } = memory;
  const { seconds } = progress;
  const paceKey = shapeKey(model, request, loras);
  const planned = { encodeSeconds: seconds.encode, steps: progress.steps };
  const deadline = await deadlineOf(prepared, planned, { known: paces.get(paceKey), progress });

  const noise = request.audit && policy.name !== "off" ? latent.slice() : null;
  const first = await prepared.openFirst();
  const listener = request.preview ? onPreview : undefined;
  const watch = listener && previews.start({ steps: progress.steps, shape }, listener);
  const steps = await progress.timed("denoise", () =>
    denoise({
      ...denoising,
      ...first,
      policy,
      latent,
      secondsAvailable: deadline?.secondsAvailable,
      known: { stepSeconds: deadline?.pace ?? null },
      onStep: ({ trace }) => progress.endStep(trace.computed),
      onEstimate: watch ?? undefined,
    }),
  );
  await prepared.openDecoder();
  const frames = await progress.timed("decode", () => decode(latent));
  observer?.decoded?.(latent, shape, frames);
  if (listener) previews.learn(latent, shape, frames);
  paces.set(paceKey, paceOf(steps, seconds.decode, paces.get(paceKey)));

  const measuredDb = noise ? await audit(prepared, { noise, frames, progress }) : null;
  const predictedDb =
    steps.findLast(({ trace }) => typeof trace.predicted === "number")?.trace.predicted ?? null;
  if (measuredDb !== null && predictedDb !== null) audits.add(measuredDb, predictedDb);

  const [prompt, negativePrompt] = prepared.texts;
  const replaced = replacedTexts(read, asked);
  return {
    frames,
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
      computed: progress.computed,
      seconds: seconds.encode + seconds.denoise + seconds.decode,
      predictedDb,
      predictedSeconds: deadline?.predictedSeconds ?? null,
      auditedDb: measuredDb,
    }),
    loras: loras.used,
    notes: [
      ...model.folderNotes,
      ...quantizationNotes((await shared.quantization()) ?? []),
      ...(listener && !watch ? [previews.whyNone] : []),
      ...unreadNotes(model, asked),
      ...(prepared.isGuided ? [] : unusedNegative(request, limits)),
      ...notesOf(request, policy, { limits, auditedDb: measuredDb, loras: loras.used }),
    ],
    request,
  };
}

/** Plans a video that is to take at most so many seconds; null without such a promise. */
async function deadlineOf(
  { policy, denoising, latent, openFirst, decode }: PreparedVideo,
  planned: { readonly encodeSeconds: number; readonly steps: number },
  { known, progress }: { readonly known: Pace | undefined; readonly progress: RunProgress },
): Promise<Deadline | null> {
  const atMost = promisedSeconds(policy);
  if (atMost === null) return null;
  const onStep = () => progress.report("encode");
  const measured = async () => measurePace({ ...denoising, ...(await openFirst()), latent, onStep }, decode);
  return deadlineFor(atMost, { pace: known ?? (await measured()), ...planned });
}

/** Returns the PSNR in dB of a finished video against the one without cache, which is made of the same noise. */
async function audit(
  { denoising, openFirst, decode }: PreparedVideo,
  { noise, frames, progress }: { noise: Float32Array; frames: Frames; progress: RunProgress },
): Promise<number> {
  const onStep = () => progress.report("decode");
  const first = await openFirst();
  return auditedDb({ ...denoising, ...first, latent: noise, onStep }, frames, decode);
}
