import * as z from "zod";
import { counted } from "../../../shared/sentences/index.ts";
import { positiveInteger } from "../config.ts";
import type { DiffusionTransformer, VideoShape } from "../diffusion-transformer.ts";
import { latte, latteFields, parseLatteFields } from "../latte/transformer.ts";

/**
 * LatteT2V, the transformer of Open-Sora-Plan 1.1 (github.com/PKU-YuanGroup/Open-Sora-Plan, tag v1.1.0): Latte with a
 * longer text and more frames, whose positions are scaled down to the range of Latte's.
 */

/** Number of frames of the longest latent whose positions are not scaled down. */
const UNSCALED_FRAMES = 16;

const openSoraPlanFields = latteFields.extend({
  sample_size: z
    .tuple([positiveInteger, positiveInteger])
    .refine(([height, width]) => height === width, "must be a square")
    .transform(([edge]) => edge),
  video_length: positiveInteger.min(2),
  /** Patch extent along frames. */
  patch_size_t: z.literal(1).default(1),
  model_max_length: positiveInteger.max(4096).default(300),
  interpolation_scale_1d: z.number().positive().nullable().default(null),
  // Other checkpoints of this class, which are not supported, have rotary positions or compress keys.
  use_rope: z.literal(false).default(false),
  compress_kv_factor: z.literal(1).default(1),
});

export type OpenSoraPlanConfig = z.infer<typeof openSoraPlanFields>;

export function parseOpenSoraPlanConfig(config: unknown): OpenSoraPlanConfig {
  return parseLatteFields("LatteT2V", openSoraPlanFields, config);
}

/**
 * Builds the transformer for one shape of video.
 *
 * @throws RangeError if the model cannot make a video of this shape
 */
export function openSoraPlan(config: OpenSoraPlanConfig, video: VideoShape): DiffusionTransformer {
  const { video_length, interpolation_scale_1d, model_max_length: textLength } = config;
  // The authors make a single picture without the temporal blocks, and so without a probe.
  if (video.latent.frames !== video_length) {
    throw new RangeError(
      `A latent of this model has ${counted(video_length, "frame")}, and this one has ${video.latent.frames}.`,
    );
  }
  // In an odd length the first latent frame stands alone: the decoder does not multiply it.
  const multiplied = video_length - (video_length % 2);
  const scale = Math.max(1, interpolation_scale_1d ?? Math.floor(multiplied / UNSCALED_FRAMES));
  return latte(config, video, { textLength, frameDistance: 1 / scale });
}
