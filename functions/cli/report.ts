import { type Goal, optionNotes, optionsOf } from "../../lib/generation/caching/index.ts";
import type { Provider } from "../../lib/generation/onnx/index.ts";
import { type Generation, savings, type UsedLora } from "../../lib/generation/pipeline/index.ts";
import type { Sealed } from "../../lib/generation/provenance/index.ts";
import type { WrittenVideo } from "../../lib/generation/video/index.ts";
import { counted } from "../../lib/shared/sentences/index.ts";
import { shownPath } from "../../lib/shared/shown-path.ts";
import { scheduleStrip } from "./strip.ts";
import { unknownWordsLines } from "./unknown-words.ts";

export interface Comparison {
  /** Generation of the same request with every step computed. */
  readonly uncached: Generation;
  /** PSNR in dB; Infinity if no pixel differs. */
  readonly psnr: number;
  readonly ssim: number;
  /** Path of the HTML page. */
  readonly page: string;
}

export interface Result {
  readonly generation: Generation;
  readonly video: WrittenVideo;
  readonly writeSeconds: number;
  readonly provider: Provider;
  readonly comparison: Comparison | null;
  /** Mark and signature of the file. */
  readonly sealed: Sealed;
}

/** Seconds of denoising, and those of denoising with every step computed. */
export interface Denoising {
  readonly seconds: number;
  readonly uncachedSeconds: number;
  /** True if `uncachedSeconds` is an estimate from the computed steps. */
  readonly isEstimate: boolean;
}

/** Returns the report that the command prints at its end. */
export function textReport(
  result: Result,
  { unicode, folder }: { readonly unicode: boolean; readonly folder: string },
): string {
  const { generation, video, writeSeconds, comparison } = result;
  const { request, trace, seconds } = generation;
  const { computed } = savings(generation);
  const { load, encode, decode } = seconds;
  const denoising = denoisingOf(result);
  const stages = { load, encode, ...(denoising === null && { denoise: seconds.denoise }), decode };
  const lines = [
    `${shownPath(video.path, folder)}: ${shapeOf(generation)}, ${kilobytes(video.bytes)} (${video.encoder})`,
    [`model ${trace.model}`, `seed ${request.seed}`, ...settingsOf(generation)].join(", "),
    ...sealLines(result.sealed),
    `${scheduleStrip(trace.schedule, { unicode })} ${computed} of ${trace.steps} steps computed`,
    ...promiseLines(generation),
    ...generation.loras.map(loraLine),
    ...noticesOf(generation),
    ...(denoising ? [fasterLine(denoising)] : []),
    stageLine({ ...stages, write: writeSeconds }),
    ...(comparison ? comparisonLines(comparison, folder) : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** Returns size, length and frame rate of the video. */
export function shapeOf({ frames, fps }: Generation): string {
  return `${frames.width}x${frames.height}, ${counted(frames.count, "frame")} at ${fps} fps`;
}

/** Returns the settings that people compare videos by, besides model and seed. */
export function settingsOf({ request, trace }: Generation): string[] {
  return [guidanceNote(request), `cache ${trace.cache}`, ...optionNotes(optionsOf(trace))];
}

/** Returns the guidance scale, with that of a second transformer where the request gave another. */
function guidanceNote({ guidanceScale, guidanceScale2 }: Generation["request"]): string {
  const isOther = guidanceScale2 !== null && guidanceScale2 !== guidanceScale && guidanceScale > 1;
  return isOther ? `guidance ${guidanceScale}, then ${guidanceScale2}` : `guidance ${guidanceScale}`;
}

/** Returns what a user has to know about the prompt of a video, one sentence a line. */
export function noticesOf(generation: Generation): string[] {
  const notices: string[] = [];
  const { readPrompt, readNegativePrompt } = generation;
  if (readPrompt !== null) notices.push(`The model read the prompt as ${JSON.stringify(readPrompt)}.`);
  if (readNegativePrompt !== null && readNegativePrompt !== "")
    notices.push(`The model read the negative prompt as ${JSON.stringify(readNegativePrompt)}.`);
  if (generation.isPromptTruncated) {
    notices.push(`The prompt is longer than the model reads: it was cut after ${generation.tokens} tokens.`);
  }
  if (generation.isNegativePromptTruncated) {
    notices.push("The negative prompt is longer than the model reads, and was cut.");
  }
  return [...notices, ...unknownWordsLines(generation.trace.model, generation), ...generation.notes];
}

/** Returns what a LoRA file changed. */
function loraLine({ name, scale, transformer, lowRank, differences, biases }: UsedLora): string {
  const kinds = [
    ...(lowRank > 0 ? [`${lowRank} of low rank`] : []),
    ...(differences > 0 ? [`${differences} differences`] : []),
    ...(biases > 0 ? [`${biases} biases`] : []),
  ];
  return `LoRA ${name} at ${scale} in transformer ${transformer}: ${kinds.join(", ") || "nothing"}`;
}

/** Returns who signed a video, in a line; none for a video that is only marked. */
function sealLines({ signer, isDevelopment }: Sealed): string[] {
  if (signer === null) return [];
  return [
    isDevelopment ? "signed with a development certificate, for which nobody vouches" : `signed by ${signer}`,
  ];
}

/** Returns what became of the promise of a video, in a line; none without a promise. */
export function promiseLines({ promise }: Pick<Generation, "promise">): string[] {
  if (!promise) return [];
  const { asked, predictedDb, predictedSeconds, auditedDb, kept } = promise;
  const facts = [
    ...(predictedDb === null ? [] : [`predicted ${predictedDb.toFixed(1)} dB`]),
    ...(predictedSeconds === null ? [] : [`predicted ${inSeconds(predictedSeconds)}`]),
    ...(auditedDb === null ? [] : [`measured ${auditedDb.toFixed(1)} dB`]),
    kept === null ? "not measured" : kept ? "kept" : "not kept",
  ];
  return [`promised ${wordsOf(asked)}: ${facts.join(", ")}`];
}

function wordsOf(asked: Goal): string {
  if ("at_least_db" in asked) return `at least ${asked.at_least_db} dB`;
  if ("at_most_seconds" in asked) return `at most ${asked.at_most_seconds} s`;
  return `${asked.computed_steps} computed ${asked.computed_steps === 1 ? "step" : "steps"}`;
}

/** Returns the times of denoising with and without cache; null if every step was computed and nothing compared. */
export function denoisingOf({ generation, comparison }: Result): Denoising | null {
  const { denoise } = generation.seconds;
  if (comparison) {
    return { seconds: denoise, uncachedSeconds: comparison.uncached.seconds.denoise, isEstimate: false };
  }
  const { computed, computedStepSeconds } = savings(generation);
  if (computed === generation.trace.steps) return null;
  return {
    seconds: denoise,
    uncachedSeconds: computedStepSeconds * generation.trace.steps,
    isEstimate: true,
  };
}

/** Returns both times of denoising, such as `denoise 0.20 s instead of about 0.49 s`. */
export function insteadOf({ seconds, uncachedSeconds, isEstimate }: Denoising): string {
  const other = isEstimate
    ? `about ${inSeconds(uncachedSeconds)}`
    : `${inSeconds(uncachedSeconds)} without cache`;
  return `denoise ${inSeconds(seconds)} instead of ${other}`;
}

/** Returns both times of denoising and their ratio. */
export function fasterLine(denoising: Denoising): string {
  const ratio = denoising.uncachedSeconds / denoising.seconds;
  return `${insteadOf(denoising)}: ${timesAsFast(ratio)}`;
}

function timesAsFast(ratio: number): string {
  if (ratio.toFixed(1) === "1.0") return "equally fast";
  return ratio > 1 ? `${ratio.toFixed(1)} times as fast` : `${(1 / ratio).toFixed(1)} times as slow`;
}

/** Returns how far a video is from the one without cache. */
export function differenceOf({ psnr, ssim }: Comparison): string {
  if (!Number.isFinite(psnr)) return "no pixel differs from the video without cache";
  return `against the video without cache: PSNR ${psnr.toFixed(2)} dB, SSIM ${ssim.toFixed(4)}`;
}

function comparisonLines(comparison: Comparison, folder: string): string[] {
  return [differenceOf(comparison), `both side by side: ${shownPath(comparison.page, folder)}`];
}

function stageLine(stages: Readonly<Record<string, number>>): string {
  return Object.entries(stages)
    .map(([stage, seconds]) => `${stage} ${inSeconds(seconds)}`)
    .join(", ");
}

/** Returns the report for other programs: all facts of the text report, and the schedule. */
export function jsonReport({
  generation,
  video,
  writeSeconds,
  provider,
  comparison,
  sealed,
}: Result): Record<string, unknown> {
  const { computed } = savings(generation);
  return {
    video: video.path,
    bytes: video.bytes,
    provenance: sealed,
    encoder: video.encoder,
    width: generation.frames.width,
    height: generation.frames.height,
    frames: generation.frames.count,
    fps: generation.fps,
    prompt: generation.request.prompt,
    negative: generation.request.negativePrompt,
    ...(generation.request.image !== undefined && { image: generation.request.image }),
    ...(generation.request.lastImage !== undefined && { lastImage: generation.request.lastImage }),
    seed: generation.request.seed,
    guidance: generation.request.guidanceScale,
    ...(generation.request.guidanceScale2 !== null && { guidance2: generation.request.guidanceScale2 }),
    provider,
    tokens: generation.tokens,
    promptTruncated: generation.isPromptTruncated,
    negativeTruncated: generation.isNegativePromptTruncated,
    promptRead: generation.readPrompt ?? generation.request.prompt,
    negativeRead: generation.readNegativePrompt ?? generation.request.negativePrompt,
    unknownWords: generation.unknownWords,
    computedSteps: computed,
    seconds: { ...generation.seconds, write: writeSeconds },
    ...generation.trace,
    promise: generation.promise,
    loras: generation.loras,
    notes: generation.notes,
    comparison: comparison && {
      page: comparison.page,
      psnr: Number.isFinite(comparison.psnr) ? comparison.psnr : null,
      ssim: comparison.ssim,
      seconds: comparison.uncached.seconds,
      speedup: comparison.uncached.seconds.denoise / generation.seconds.denoise,
    },
  };
}

export function inSeconds(seconds: number): string {
  return seconds < 10 ? `${seconds.toFixed(2)} s` : `${seconds.toFixed(1)} s`;
}

function kilobytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
