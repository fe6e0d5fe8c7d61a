import * as z from "zod";
import { circumstancesSchema } from "../machine.ts";

const milliseconds = z.number().nonnegative();

/** All measurements of `previews`; the report is written from them. */
export const previewResultsSchema = z.object({
  kind: z.literal("previews"),
  circumstances: circumstancesSchema,
  /** The demo model's own map and steps. */
  demo: z.object({
    /** Error of the map at videos that it was not fitted to, in 0..255. */
    rms: z.number(),
    r2: z.number(),
    /** Processor time of a computed step and of a preview after the first, medians. */
    stepMs: milliseconds,
    previewMs: milliseconds,
    /** Processor time of the first preview of a process. */
    firstMs: milliseconds,
    /** PSNR in dB of previews against the last one of their video, after each step: means over the prompts. */
    psnr: z.array(z.number()).min(3),
    prompts: z.int().positive(),
    /** Bytes of an animated WebP, mean. */
    bytes: z.number(),
  }),
  /** Maps of random numbers, for latents of published models. */
  sizes: z.array(
    z.object({
      name: z.string(),
      width: z.int(),
      height: z.int(),
      /** Positions that a map looks at. */
      places: z.int(),
      previewMs: milliseconds,
      /** Bytes of the pixels, which are copied to another process. */
      pixelBytes: z.int(),
    }),
  ),
  /** Bytes of the WebP of a demo video's pictures, scaled to sizes of previews. */
  encoded: z.array(z.object({ width: z.int(), height: z.int(), frames: z.int(), bytes: z.number() })),
});

export type PreviewResults = z.infer<typeof previewResultsSchema>;
