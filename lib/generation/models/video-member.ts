import * as z from "zod";
import type { videoLimitsSchema } from "../request/index.ts";
import { fixedLevelsSchema } from "../sampling/index.ts";
import { captionStyles } from "./captions/style.ts";

/**
 * Sampling that weights were distilled for: of a model in its recipe, and of a LoRA in the file beside it. Without
 * members, the scheduler of the model's folder samples.
 */
export const samplingSchema = z.object({
  /** Sampler in place of the folder's; flow Euler if there are only `sigmas`. */
  scheduler: z.enum(["FlowMatchEulerDiscreteScheduler", "DMDScheduler"]).optional(),
  /** Noise levels before the shift, one for each step. */
  sigmas: fixedLevelsSchema.optional(),
  /** Shift at every size; replaces the stored one. */
  shift: z.number().positive().optional(),
  /** True if the weights make videos in these few steps without guidance, so that a cache has nothing to save. */
  distilled: z.boolean().default(false),
});

export type Sampling = Readonly<z.infer<typeof samplingSchema>>;

/** Schema of the members of `video` in a model's index that are not limits of requests. */
export const recipeSchema = z.object({
  caption: z.enum(captionStyles).default("verbatim"),
  /** Text that is appended to a prompt before it is rewritten; not to a negative prompt. */
  prompt_suffix: z.string().max(200).default(""),
  /**
   * `words` if the model has learnt whole words, each of which is one piece of its tokenizer: words that are spelled
   * from several pieces mean nothing to it, and are reported. `open` if it may understand any word.
   */
  vocabulary: z.enum(["open", "words"]).default("open"),
  /** Shift of the scheduler by the size of the video, such as `848x480`; replaces the stored shift. */
  flow_shift: z.record(z.string(), z.number().positive()).default({}),
  /**
   * Spacing of the noise levels before the shift: `scheduler` as the scheduler spaces them, `even` from 1 to 1/steps.
   * `linear-quadratic` falls slowly first and then ever faster, and takes no shift.
   */
  noise_spacing: z.enum(["scheduler", "even", "linear-quadratic"]).default("scheduler"),
  /**
   * Share of noise in the latent frame of a given picture at the first step. It falls with the square of the noise
   * level, and is drawn anew for every step.
   */
  given_noise: z.number().min(0).max(1).default(0),
  /** Size [width, height] that transformer and sampler are given, by the size of the decoded video. */
  nominal_size: z.record(z.string(), z.tuple([z.int().positive(), z.int().positive()])).default({}),
  /** Filter with which pictures are resized to the size of a video. */
  picture_filter: z.enum(["bicubic", "lanczos"]).default("lanczos"),
  sampling: samplingSchema.default({ distilled: false }),
});

/** Rewriting of prompts, and settings of transformer and sampler, that a model was made with. */
export type Recipe = Readonly<z.infer<typeof recipeSchema>>;

/** Member `video` of a model's index: limits and defaults of requests, and the recipe. */
export type VideoMember = Readonly<z.input<typeof videoLimitsSchema> & z.input<typeof recipeSchema>>;

/** Returns the size of a video that transformer and sampler are given. */
export function nominalSize(
  { nominal_size }: Pick<Recipe, "nominal_size">,
  { width, height }: { readonly width: number; readonly height: number },
): { width: number; height: number } {
  const [nominalWidth, nominalHeight] = nominal_size[`${width}x${height}`] ?? [width, height];
  return { width: nominalWidth, height: nominalHeight };
}

/** Parses sizes such as `848x480` to [width, height]. */
export function sizesOf(...sizes: readonly string[]): [width: number, height: number][] {
  return sizes.map((size) => size.split("x").map(Number) as [number, number]);
}
