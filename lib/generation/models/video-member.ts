import * as z from "zod";
import type { videoLimitsSchema } from "../request/index.ts";
import { captionStyles } from "./captions/style.ts";

/** Members of `video` in a model's index, beside the limits of requests. */
export const recipeSchema = z.object({
  caption: z.enum(captionStyles).default("verbatim"),
  /** Follows the prompt before it is rewritten, and no negative prompt. */
  prompt_suffix: z.string().max(200).default(""),
  /** The guidance scale of the second of two transformers, as long as the first has the default. */
  guidance_scale_2: z.number().optional(),
  /** Replaces the scheduler's shift, by the size of the video as `848x480`. */
  flow_shift: z.record(z.string(), z.number().positive()).default({}),
  /** [width, height] that transformer and sampler are told, by the size that a decoder makes of it. */
  nominal_size: z.record(z.string(), z.tuple([z.int().positive(), z.int().positive()])).default({}),
});

/** Rewriting of prompts, and settings of transformer and sampler, that a model was made with. */
export type Recipe = Readonly<z.infer<typeof recipeSchema>>;

/** The member `video` of a model's index: limits and defaults of requests, and the recipe. */
export type VideoMember = Readonly<z.input<typeof videoLimitsSchema> & z.input<typeof recipeSchema>>;

/** The size of a video as transformer and sampler are told it. */
export function nominalSize(
  { nominal_size }: Pick<Recipe, "nominal_size">,
  { width, height }: { readonly width: number; readonly height: number },
): { width: number; height: number } {
  const [nominalWidth, nominalHeight] = nominal_size[`${width}x${height}`] ?? [width, height];
  return { width: nominalWidth, height: nominalHeight };
}

/** Sizes as [width, height] of sizes as `848x480`. */
export function sizesOf(...sizes: readonly string[]): [width: number, height: number][] {
  return sizes.map((size) => size.split("x").map(Number) as [number, number]);
}
