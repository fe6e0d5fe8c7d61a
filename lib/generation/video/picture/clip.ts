import * as z from "zod";
import type { FilterName } from "./filters.ts";
import { planesOf } from "./planes.ts";
import { type Picture, resizePicture, type Size } from "./resize.ts";

const side = z.int().min(1).max(4096);
const sides = z.object({ height: side, width: side });
const channels = (standard: readonly [number, number, number]) =>
  z.tuple([z.number(), z.number(), z.number()]).default([...standard]);

/** Filters by the numbers that PIL gives them. */
const RESAMPLE = { 1: "lanczos", 2: "bilinear", 3: "bicubic" } as const satisfies Record<number, FilterName>;

/**
 * Schema of an image processor's `preprocessor_config.json`, as transformers' CLIPImageProcessor reads it. The defaults
 * are those of the class.
 */
export const clipPreprocessingSchema = z
  .object({
    do_resize: z.literal(true).default(true),
    /** Sides after resizing; a number alone is the shortest side, and the proportions are kept. */
    size: z
      .union([
        z.object({ shortest_edge: side }),
        side.transform((shortest_edge) => ({ shortest_edge })),
        sides,
      ])
      .default({ shortest_edge: 224 }),
    resample: z.literal([1, 2, 3]).default(3),
    do_center_crop: z.literal(true).default(true),
    crop_size: z
      .union([sides, side.transform((side) => ({ height: side, width: side }))])
      .default({ height: 224, width: 224 }),
    do_rescale: z.literal(true).default(true),
    rescale_factor: z
      .number()
      .positive()
      .default(1 / 255),
    do_normalize: z.literal(true).default(true),
    image_mean: channels([0.48145466, 0.4578275, 0.40821073]),
    image_std: channels([0.26862954, 0.26130258, 0.27577711]),
  })
  .refine(({ size, crop_size }) => fits(crop_size, size), {
    path: ["crop_size"],
    message: "must not be larger than size",
  });

export type ClipPreprocessing = z.infer<typeof clipPreprocessingSchema>;

function fits(crop: Size, size: Size | { readonly shortest_edge: number }): boolean {
  if ("shortest_edge" in size) return Math.max(crop.height, crop.width) <= size.shortest_edge;
  return crop.height <= size.height && crop.width <= size.width;
}

/**
 * Returns what a CLIP vision tower is given of a picture: its centre, resized and normalised, as [1, 3, H, W] with the
 * sides of `crop_size`. Pixels are resized in torch's integer arithmetic, since CLIPImageProcessor does so since
 * transformers 5.
 */
export function clipPixels(picture: Picture, config: ClipPreprocessing): Float32Array {
  const { size, crop_size, resample, image_mean, image_std, rescale_factor } = config;
  const resized = "shortest_edge" in size ? withShortestSide(picture, size.shortest_edge) : size;
  const window = {
    left: Math.trunc((resized.width - crop_size.width) / 2),
    top: Math.trunc((resized.height - crop_size.height) / 2),
    ...crop_size,
  };
  const cropped = resizePicture(picture, resized, {
    filter: RESAMPLE[resample],
    window,
    arithmetic: "torch",
  });
  const means = image_mean.map((mean) => mean / rescale_factor);
  const deviations = image_std.map((deviation) => deviation / rescale_factor);
  return planesOf(cropped, crop_size, (byte, channel) => (byte - means[channel]!) / deviations[channel]!);
}

/** Returns the sides of a picture whose shortest side becomes `side`; the other one is cut to an integer. */
function withShortestSide({ width, height }: Size, side: number): Size {
  const longest = Math.trunc((side * Math.max(width, height)) / Math.min(width, height));
  return width <= height ? { width: side, height: longest } : { width: longest, height: side };
}
