import { optionNotes, optionsOf } from "../../lib/generation/caching/index.ts";
import { type Generation, savings } from "../../lib/generation/pipeline/index.ts";
import type { WrittenVideo } from "../../lib/generation/video/index.ts";
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
  readonly comparison: Comparison | null;
}

/** Returns the report that the command prints at its end. */
export function textReport(
  { generation, video, writeSeconds, comparison }: Result,
  unicode: boolean,
): string {
  const { request, trace, seconds, frames } = generation;
  const { computed, savedRatio, computedStepSeconds } = savings(generation);
  const facts = [
    `model ${trace.model}`,
    `seed ${request.seed}`,
    `${trace.steps} steps`,
    `guidance ${request.guidanceScale}`,
    `cache ${trace.cache}`,
    ...optionNotes(optionsOf(trace)),
  ];
  const lines = [
    `${video.path}: ${frames.width}x${frames.height}, ${frames.count} frames at ${generation.fps} fps, ${video.bytes} bytes (${video.encoder})`,
    facts.join(", "),
    `${scheduleStrip(trace.schedule, { unicode })} ${computed} of ${trace.steps} steps computed`,
    `load ${format(seconds.load)}, encode ${format(seconds.encode)}, denoise ${format(seconds.denoise)}, decode ${format(seconds.decode)}, write ${format(writeSeconds)}`,
  ];
  if (generation.isPromptTruncated) {
    lines.push(`The prompt is longer than the model reads: it was cut after ${generation.tokens} tokens.`);
  }
  if (generation.isNegativePromptTruncated) {
    lines.push("The negative prompt is longer than the model reads, and was cut.");
  }
  lines.push(...unknownWordsLines(trace.model, generation));
  if (comparison) lines.push(...comparisonLines(generation, comparison));
  else if (computed < trace.steps) {
    const all = format(computedStepSeconds * trace.steps);
    lines.push(
      `saved: at ${milliseconds(computedStepSeconds)} a computed step, computing all would denoise in about ${all}, ${savedRatio.toFixed(2)}x as long`,
    );
  }
  return `${lines.join("\n")}\n`;
}

function comparisonLines(generation: Generation, { uncached, psnr, ssim, page }: Comparison): string[] {
  const ratio = uncached.seconds.denoise / generation.seconds.denoise;
  const difference = Number.isFinite(psnr)
    ? `PSNR ${psnr.toFixed(2)} dB, SSIM ${ssim.toFixed(4)}`
    : "no pixel differs";
  return [
    `without cache: denoise ${format(uncached.seconds.denoise)}, ${ratio.toFixed(2)}x as long; against it: ${difference}`,
    page,
  ];
}

/** Returns the report for other programs: all facts of the text report, and the schedule. */
export function jsonReport({ generation, video, writeSeconds, comparison }: Result): Record<string, unknown> {
  const { computed } = savings(generation);
  return {
    video: video.path,
    bytes: video.bytes,
    encoder: video.encoder,
    width: generation.frames.width,
    height: generation.frames.height,
    frames: generation.frames.count,
    fps: generation.fps,
    prompt: generation.request.prompt,
    negative: generation.request.negativePrompt,
    ...(generation.request.image !== undefined && { image: generation.request.image }),
    seed: generation.request.seed,
    guidance: generation.request.guidanceScale,
    tokens: generation.tokens,
    promptTruncated: generation.isPromptTruncated,
    negativeTruncated: generation.isNegativePromptTruncated,
    unknownWords: generation.unknownWords,
    computedSteps: computed,
    seconds: { ...generation.seconds, write: writeSeconds },
    ...generation.trace,
    comparison: comparison && {
      page: comparison.page,
      psnr: Number.isFinite(comparison.psnr) ? comparison.psnr : null,
      ssim: comparison.ssim,
      seconds: comparison.uncached.seconds,
      speedup: comparison.uncached.seconds.denoise / generation.seconds.denoise,
    },
  };
}

const format = (seconds: number) => (seconds < 10 ? `${seconds.toFixed(2)} s` : `${seconds.toFixed(1)} s`);
const milliseconds = (seconds: number) => `${(seconds * 1000).toFixed(1)} ms`;
