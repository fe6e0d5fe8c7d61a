import {
  CheckpointError,
  type ConversionProgress,
  type ConvertedPart,
  countedBytes,
  type ModelFolder,
  openModelFolder,
  QUANTIZED_FILE,
  writeQuantized,
} from "../../checkpoint/index.ts";
import {
  buildFull,
  diffusionTransformer,
  latentDecoder,
  textEncoder,
  type VideoShape,
} from "../../models/index.ts";
import type { VideoLimits } from "../../request/index.ts";
import { latentShapeOf } from "../video-sessions.ts";
import { readDescription } from "./description.ts";
import { isLarge, type OpenedPart, recordedWeights } from "./opened-part.ts";
import { decoderPart } from "./parts.ts";
import { openVision } from "./vision.ts";

export interface ModelQuantization {
  readonly folder: string;
  /** Variant of the weights to read, such as `fp16`. */
  readonly variant?: string | undefined;
  /** Bytes in float32 from which a text encoder is quantised; those from which sessions map weights by default. */
  readonly mappedBytesMin?: number;
  readonly onProgress?: (progress: ConversionProgress) => void;
}

/**
 * Writes the weights that graphs in the precision `int8` take in 8-bit integers to files beside those of the
 * transformers and of a large text encoder, in a few dozen MiB of memory. After an interruption the same call goes on
 * with the first file that is not complete. Returns the bytes of the weights that were quantised, by part.
 *
 * @throws CheckpointError naming the file at fault
 */
export async function quantizeModel(quantization: ModelQuantization): Promise<readonly ConvertedPart[]> {
  const { folder, variant, mappedBytesMin, onProgress } = quantization;
  const model = await openModelFolder(folder, { variant });
  const { limits } = await readDescription(folder, model.index);
  const parts = [];
  for (const name of model.partNames.filter((part) => /^(transformer(_\d+)?|text_encoder)$/.test(part))) {
    const part = { ...model.part(name), weights: await model.part(name).checkpoint() };
    if (name === "text_encoder" && !isLarge(part, mappedBytesMin)) continue;
    const names =
      name === "text_encoder" ? encoderNames(part) : await transformerNames(part, { model, limits });
    const bytesBefore = [...names].reduce((sum, tensor) => sum + part.weights.info(tensor).byteLength, 0);
    parts.push({ name, part, names, bytesBefore });
  }
  const totalBytes = parts.reduce((sum, { bytesBefore }) => sum + bytesBefore, 0);
  const onBytes = countedBytes(totalBytes, onProgress);
  const written: ConvertedPart[] = [];
  for (const { name, part, names, bytesBefore } of parts) {
    const bytesAfter = await writeQuantized({ part, names, onBytes }).catch((cause: unknown) => {
      if (cause instanceof CheckpointError) throw cause;
      const { code } = cause as NodeJS.ErrnoException;
      throw new CheckpointError(
        part.folder,
        `${QUANTIZED_FILE} cannot be written here (${code ?? String(cause)}): copy the model to a folder of your own`,
        { cause },
      );
    });
    written.push({ name, bytesBefore, bytesAfter });
  }
  return written;
}

/** Returns the names of the weights that the graph of a text encoder takes in 8-bit integers. */
function encoderNames(part: OpenedPart): ReadonlySet<string> {
  const { weights, names } = recordedWeights(part);
  textEncoder(part).build(1, { weights, readsIntegers: true });
  return names;
}

/**
 * Returns the names of the weights that graphs of a transformer take in 8-bit integers, for any video of the model:
 * linear layers of few rows are not quantised, and the largest video has the most.
 */
async function transformerNames(
  part: OpenedPart,
  { model, limits }: { readonly model: ModelFolder; readonly limits: VideoLimits },
): Promise<ReadonlySet<string>> {
  const [width, height] = limits.sizes.reduce((a, b) => (b[0] * b[1] > a[0] * a[1] ? b : a));
  const frames = Math.max(...limits.frames);
  const decoder = latentDecoder(model.part(decoderPart(model)));
  const vision = await openVision(model);
  const video: VideoShape = {
    ...{ width, height, frames },
    fps: limits.fps[0]!,
    latent: latentShapeOf(decoder, { width, height, frames }),
    ...(vision && { pictureTokens: vision.encoder.tokens }),
  };
  const { takes_image, needs_image, needs_last_image = false } = limits;
  const pictured = { ...video, givenFrames: 1, hasLastPicture: needs_last_image };
  const { weights, names } = recordedWeights(part);
  for (const shape of [...(needs_image ? [] : [video]), ...(takes_image || needs_image ? [pictured] : [])])
    buildFull(diffusionTransformer(part, shape), { weights, precision: "int8" });
  return names;
}
