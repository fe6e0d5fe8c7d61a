import * as z from "zod";
import { MAX_FPS, MAX_SIDE } from "../../shared/limits.ts";

const positiveInteger = z.int().positive();

const MAX_FRAMES = 10_000;

/** Name of a LoRA in a model's list: that of its file or folder in `loras/`, without the ending. */
export const LORA_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/**
 * LoRA of a model's list. Its settings, from the JSON file beside it, are defaults of the requests that name it: a LoRA
 * of four steps is of no use with forty.
 */
export const listedLoraSchema = z.strictObject({
  name: z.string().regex(LORA_NAME),
  /** Name for people. */
  title: z.string().min(1).max(200).optional(),
  /** Words that a prompt should have. */
  trigger_words: z.array(z.string().min(1).max(200)).max(20).optional(),
  steps: positiveInteger.optional(),
  guidance_scale: z.number().nonnegative().optional(),
  /** True if it was distilled for exactly these steps. */
  has_fixed_steps: z.boolean().optional(),
  /** True if it was distilled to need no guidance, and a cache has nothing to save. */
  is_distilled: z.boolean().optional(),
});

export type ListedLora = Readonly<z.infer<typeof listedLoraSchema>>;

/**
 * Limits and defaults of the videos that a model was trained to make: the member `video` of `model_index.json`. The
 * first value of each list is the default.
 */
export const videoLimitsSchema = z.object({
  /** [width, height] in pixels. */
  sizes: z.array(z.tuple([positiveInteger.max(MAX_SIDE), positiveInteger.max(MAX_SIDE)])).min(1),
  frames: z.array(positiveInteger.max(MAX_FRAMES)).min(1),
  fps: z.array(positiveInteger.max(MAX_FPS)).min(1),
  steps: positiveInteger,
  guidance_scale: z.number(),
  /**
   * Guidance scale of the second of two transformers, if the request has the default of the first. Absent for a model
   * with one transformer.
   */
  guidance_scale_2: z.number().optional(),
  /**
   * Default negative prompt. If it is absent, requests without a negative prompt use the unconditional text that the
   * model learnt, or an empty prompt.
   */
  negative_prompt: z.string().max(2000).optional(),
  /** True if a video may begin with an image. */
  takes_image: z.boolean().optional(),
  /** True if every video begins with an image; such a model takes no prompt alone. */
  needs_image: z.boolean().optional(),
  /** True if a video that begins with an image may end with another one. */
  takes_last_image: z.boolean().optional(),
  /** True if every video begins with an image and ends with one. */
  needs_last_image: z.boolean().optional(),
  /**
   * True if the model's folder has a table of the errors of reuse, which promises in dB need. The folder decides,
   * whatever `model_index.json` says. Cards of earlier builds lack it.
   */
  has_cache_table: z.boolean().optional(),
  /** LoRAs in the model's folder, which alone decides. Cards of earlier builds lack them. */
  loras: z.array(listedLoraSchema).optional(),
  /** True if videos take `steps` steps and no other number. It follows from the sampling of the recipe. */
  has_fixed_steps: z.boolean().optional(),
  /** True if a cache has nothing to save. It follows from the sampling of the recipe. */
  is_distilled: z.boolean().optional(),
});

export type VideoLimits = z.infer<typeof videoLimitsSchema>;
