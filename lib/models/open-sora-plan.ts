import * as z from "zod";
import { positiveInteger } from "./config.ts";
import type { DiffusionTransformer, VideoShape } from "./diffusion-transformer.ts";
import { type LatteConfig, latte, latteFields, parseLatteFields } from "./latte.ts";

/**
 * LatteT2V, the transformer of Open-Sora-Plan 1.1 (github.com/PKU-YuanGroup/Open-Sora-Plan, tag v1.1.0): Latte
 * with more frames, whose positions keep the distances Latte's have, and a longer text.
 */

/** Frames of the longest latent whose positions are not scaled down. */
const UNSCALED_FRAMES = 16;

const openSoraPlanFields = latteFields.extend({
  sample_size: z.union([positiveInteger, z.tuple([positiveInteger, positiveInteger]).transform(([h]) => h)]),
  /** Patch extent along frames. */
  patch_size_t: z.literal(1).default(1),
  model_max_length: positiveInteger.max(4096).default(300),
  interpolation_scale_1d: z.number().positive().nullable().default(null),
  // Later versions turn positions and compress keys, under the same class name.
  use_rope: z.literal(false).default(false),
  compress_kv_factor: z.literal(1).default(1),
});

export type OpenSoraPlanConfig = z.infer<typeof openSoraPlanFields>;

export function parseOpenSoraPlanConfig(config: unknown): OpenSoraPlanConfig {
  return parseLatteFields("LatteT2V", openSoraPlanFields, config);
}

/** @throws RangeError when the model cannot make a video of this shape */
export function openSoraPlan(config: OpenSoraPlanConfig, video: VideoShape): DiffusionTransformer {
  const scale = config.interpolation_scale_1d ?? frameScale(config);
  return latte(config, video, { textLength: config.model_max_length, frameDistance: 1 / scale });
}

/** An odd length has a first frame of its own, which the decoder does not multiply. */
function frameScale({ video_length }: LatteConfig): number {
  return Math.max(1, Math.floor((video_length - (video_length % 2)) / UNSCALED_FRAMES));
}
