import type { Config, PublishedModel } from "../family.ts";
import type { VideoMember } from "../video-member.ts";

/**
 * Negative prompt of the authors' example.
 *
 * @see the example in diffusers 0.42.1, `pipeline_wan.py`, and the cards of Wan-AI/Wan2.1-T2V-*-Diffusers
 */
const NEGATIVE_PROMPT =
  "Bright tones, overexposed, static, blurred details, subtitles, style, works, paintings, images, static, " +
  "overall gray, worst quality, low quality, JPEG compression residue, ugly, incomplete, extra fingers, poorly " +
  "drawn hands, poorly drawn faces, deformed, disfigured, misshapen limbs, fused fingers, still picture, messy " +
  "background, three legs, many people in the background, walking backwards";

export const SMALL = ["832x480", "480x832"];
export const LARGE = ["1280x720", "720x1280"];

/** Lengths 4 k + 1, for which the autoencoder has k + 1 latent frames; 81 is the default. */
export const FRAMES = [81, ...Array.from({ length: 19 }, (_, k) => 4 * (k + 1) + 1), 1];

export const UMT5_PARAMETERS = 5_680_910_336;
export const VAE_PARAMETERS = 73_295_603;

export function hasTwoTransformers({ boundary_ratio }: Config): boolean {
  return typeof boundary_ratio === "number";
}

/** Returns whether a folder's videos are made of pictures by the class of its pipeline. */
export function takesPictures({ _class_name }: Config): boolean {
  return _class_name === "WanImageToVideoPipeline";
}

export function has40Layers({ num_layers }: Config): boolean {
  return num_layers === 40;
}

export function videoOf(
  own: Pick<VideoMember, "sizes" | "flow_shift"> & Partial<VideoMember>,
): PublishedModel["video"] {
  return {
    frames: FRAMES,
    fps: [16],
    steps: 50,
    guidance_scale: 5,
    negative_prompt: NEGATIVE_PROMPT,
    caption: "tidy",
    ...own,
  };
}

export function shiftOf(shift: number, sizes: readonly string[]): Record<string, number> {
  return Object.fromEntries(sizes.map((size) => [size, shift]));
}
