import * as z from "zod";
import { precisions } from "../../../lib/generation/onnx/index.ts";
import { circumstancesSchema } from "../machine.ts";
import { mean, quantile } from "../statistics.ts";

const videoSchema = z.object({
  /** Computed steps, by their indexes. */
  computed: z.array(z.int().nonnegative()),
  /** PSNR in dB against the video in float32 without cache; null if they are identical. */
  psnr: z.number().nullable(),
  /** Seconds that all threads computed while denoising. */
  denoiseSeconds: z.number().nonnegative(),
});

/** All measurements of `precision`; the report is written from them. */
export const precisionResultsSchema = z.object({
  kind: z.literal("precision"),
  circumstances: circumstancesSchema,
  minutes: z.number(),
  steps: z.int().positive(),
  /** Precision that is compared with float32. */
  precision: z.enum(precisions),
  /** Names of the settings; the first is without cache. */
  settings: z.array(z.string()).min(1),
  prompts: z
    .array(
      z.object({
        text: z.string(),
        seed: z.int(),
        /** Videos in the order of `settings`. */
        videos: z.array(z.object({ float32: videoSchema, narrow: videoSchema })),
      }),
    )
    .min(1),
});

export type PrecisionResults = z.infer<typeof precisionResultsSchema>;
export type PrecisionVideo = z.infer<typeof videoSchema>;

/** PSNRs in dB of the videos of one setting. */
export interface Decibels {
  readonly mean: number;
  readonly p10: number;
  readonly worst: number;
}

/** Summary of one setting in both precisions. */
export interface SettingSummary {
  readonly name: string;
  /** Computed steps, mean. */
  readonly computed: { readonly float32: number; readonly narrow: number };
  /** Videos with the same computed steps in both precisions. */
  readonly sameSchedules: number;
  readonly psnr: { readonly float32: Decibels; readonly narrow: Decibels };
}

/** Summarises the settings, in their order. */
export function summariseSettings({ settings, prompts }: PrecisionResults): SettingSummary[] {
  return settings.map((name, index) => {
    const pairs = prompts.map(({ videos }) => videos[index]!);
    const [float32, narrow] = [pairs.map((pair) => pair.float32), pairs.map((pair) => pair.narrow)];
    const count = (videos: readonly PrecisionVideo[]) => mean(videos.map(({ computed }) => computed.length));
    return {
      name,
      computed: { float32: count(float32), narrow: count(narrow) },
      sameSchedules: pairs.filter((pair) => `${pair.float32.computed}` === `${pair.narrow.computed}`).length,
      psnr: { float32: decibelsOf(float32), narrow: decibelsOf(narrow) },
    };
  });
}

/** Infinity is the PSNR of identical videos. */
function decibelsOf(videos: readonly PrecisionVideo[]): Decibels {
  const values = videos.map(({ psnr }) => psnr ?? Infinity);
  return { mean: mean(values), p10: quantile(values, 0.1), worst: Math.min(...values) };
}
