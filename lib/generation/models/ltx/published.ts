import { sizesOf, type VideoMember } from "../video-member.ts";

/** Lengths 8 k + 1, for which the autoencoder has k + 1 latent frames; 161 is the default. */
const FRAMES = [161, ...Array.from({ length: 32 }, (_, k) => 8 * (k + 1) + 1).filter((n) => n !== 161), 1];

/**
 * Limits and defaults that the models share.
 *
 * Defaults of diffusers 0.42.1, `pipeline_ltx.py` and `pipeline_ltx_condition.py`, and their examples for frame rate and
 * negative prompt. From memory: the card's sizes and longest video.
 */
export const video = {
  sizes: sizesOf(
    ...["704x512", "512x704", "704x480", "480x704", "768x512", "512x768"],
    ...["1216x704", "704x1216"],
  ),
  frames: FRAMES,
  fps: [25, 24, 30],
  steps: 50,
  guidance_scale: 3,
  negative_prompt: "worst quality, inconsistent motion, blurry, jittery, distorted",
  caption: "verbatim",
  takes_image: true,
} satisfies VideoMember;

export const T5_PARAMETERS = 4_762_310_656;
