import * as z from "zod";
import { circumstancesSchema } from "../machine.ts";

const videoSchema = z.object({
  computed: z.int().positive(),
  /** PSNR in dB against the video without cache; null if they are identical. */
  psnr: z.number().nullable(),
});

const promptSchema = z.object({
  text: z.string(),
  seed: z.int(),
  /** Videos with a promise in dB, in the order of `decibels`. */
  promised: z.array(videoSchema),
  /** Videos with a fixed budget, from which the cheapest that keeps a promise is chosen afterwards. */
  settings: z.array(videoSchema),
  /** Computed steps of videos that asked for a number of steps, in the order of `computedSteps`. */
  counted: z.array(z.int().positive()),
  /** Seconds asked for and seconds taken by encoding, denoising and decoding. */
  timed: z.array(z.object({ asked: z.number().positive(), taken: z.number().positive() })),
});

/** All measurements of `promises`; the report is written from them. */
export const promiseResultsSchema = z.object({
  kind: z.literal("promises"),
  circumstances: circumstancesSchema,
  minutes: z.number(),
  steps: z.int().positive(),
  decibels: z.array(z.number()),
  computedSteps: z.array(z.int().positive()),
  prompts: z.array(promptSchema).min(1),
});

export type PromiseResults = z.infer<typeof promiseResultsSchema>;
export type PromisedVideo = z.infer<typeof videoSchema>;

/** Summary of a promise in dB over all prompts. */
export interface Keeping {
  readonly decibels: number;
  readonly videos: number;
  readonly kept: number;
  readonly computed: number;
  /** Computed steps of the cheapest setting that reaches the promise, mean over the videos that one reaches it for. */
  readonly cheapest: number;
  /** Computed steps over those of the cheapest setting, minus 1. */
  readonly more: number;
}

/** Summarises one promise in dB. Videos that no setting reaches it for count as kept or not, and for no cost. */
export function keepingOf({ decibels, prompts }: PromiseResults, index: number): Keeping {
  const promise = decibels[index]!;
  const reaches = ({ psnr }: PromisedVideo) => (psnr ?? Infinity) >= promise;
  const videos = prompts.map(({ promised }) => promised[index]!);
  const pairs = prompts.flatMap(({ promised, settings }) => {
    const reached = settings.filter(reaches).map(({ computed }) => computed);
    return reached.length > 0
      ? [{ computed: promised[index]!.computed, cheapest: Math.min(...reached) }]
      : [];
  });
  const sum = (of: (pair: (typeof pairs)[number]) => number) =>
    pairs.reduce((total, pair) => total + of(pair), 0);
  const [computed, cheapest] = [sum((pair) => pair.computed), sum((pair) => pair.cheapest)];
  return {
    decibels: promise,
    videos: videos.length,
    kept: videos.filter(reaches).length,
    computed: videos.reduce((total, video) => total + video.computed, 0) / videos.length,
    cheapest: cheapest / Math.max(1, pairs.length),
    more: cheapest > 0 ? computed / cheapest - 1 : 0,
  };
}
