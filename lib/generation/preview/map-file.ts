/** Reads the file beside a model that holds the map of its autoencoder. */
import * as z from "zod";
import { type Examined, examined, wordings } from "../../shared/sentences/index.ts";
import { placesOf } from "./linear-map.ts";

/** Name of the file in a model's folder. */
export const PREVIEW_FILE = "preview.json";

/** Returns the command that measures the map of a model. */
export function previewCommand(model: string): string {
  return `npm run models -- calibrate ${model} --preview`;
}

const CHANNELS_MAX = 512;
const REACH_MAX = 3;
const INPUTS_MAX = 1024;
const PIXELS_MAX = 8;
const ROWS_MAX = PIXELS_MAX * PIXELS_MAX * 3;
/** Weights of a map; a latent is about 1, and a colour at most 255. */
const WEIGHT_MAX = 1e6;

const shortText = z.string().min(1).max(200);
const weight = z.number().min(-WEIGHT_MAX).max(WEIGHT_MAX);

const mapSchema = z
  .strictObject({
    channels: z.int().positive().max(CHANNELS_MAX),
    reach: z.int().nonnegative().max(REACH_MAX),
    pixels: z.int().positive().max(PIXELS_MAX),
    matrix: z.array(z.array(weight).max(INPUTS_MAX)).max(ROWS_MAX),
    offset: z.array(weight).max(ROWS_MAX),
  })
  .superRefine(({ channels, reach, pixels, matrix, offset }, context) => {
    const rows = pixels * pixels * 3;
    const columns = placesOf(reach) * channels;
    const fault = (path: string, message: string) =>
      context.addIssue({ code: "custom", path: [path], message, params: { sentence: message } });
    if (matrix.length !== rows || matrix.some((row) => row.length !== columns))
      fault("matrix", `The matrix of a map must be ${rows} rows of ${columns} numbers.`);
    if (offset.length !== rows) fault("offset", `The offset of a map must be ${rows} numbers.`);
  });

const previewFileSchema = z.strictObject({
  kind: z.literal("preview map"),
  version: z.literal(1),
  /** Autoencoder that the map is about. */
  madeFor: z.strictObject({
    /** Name of the model, for people. */
    model: shortText,
    /** Result of `weightsIdentity` of the autoencoder. */
    autoencoder: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .register(wordings, { is: "a SHA-256 in hex" }),
  }),
  /** Origin of the map, and its error, for people. */
  measured: z.strictObject({
    /** Version of Adareel. */
    adareel: shortText,
    date: z.iso.datetime().register(wordings, { is: "a date such as 2026-11-29T20:00:00.000Z" }),
    command: z.string().min(1).max(2000),
    videos: z.int().positive(),
    positions: z.int().positive(),
    /** Root mean square of the differences at positions that the map was not fitted to, in 0..255. */
    rms: z.number().nonnegative(),
    /** Share of the variance there that the map explains. */
    r2: z.number().max(1),
  }),
  map: mapSchema,
});

/** Contents of a map's file. */
export type PreviewFile = Readonly<z.infer<typeof previewFileSchema>>;

/**
 * Reads a map's file.
 *
 * @param contents untrusted; numbers of any size are refused where they make no sense
 * @returns the contents, or the first fault as one sentence that names its place
 */
export function readPreviewFile(contents: unknown): Examined<PreviewFile> {
  return examined(previewFileSchema, contents, { whole: "the map's file" });
}
