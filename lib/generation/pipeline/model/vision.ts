import { faultsOf, inOneSentence } from "../../../shared/sentences/index.ts";
import { CheckpointError, type ModelFolder } from "../../checkpoint/index.ts";
import { type VisionEncoder, visionEncoder } from "../../models/index.ts";
import { type ClipPreprocessing, clipPreprocessingSchema } from "../../video/index.ts";
import type { OpenedPart } from "./opened-part.ts";

/** Encoder of the pictures that a transformer attends to, and what is done to a picture before. */
export interface Vision {
  readonly part: OpenedPart;
  readonly encoder: VisionEncoder;
  readonly preprocessing: ClipPreprocessing;
}

/**
 * Reads the image encoder of a model and the settings of its image processor; opens no session. Returns null for a
 * model without one.
 *
 * @throws CheckpointError or Error for settings that cannot be used
 */
export async function openVision(index: ModelFolder): Promise<Vision | null> {
  if (!index.partNames.includes("image_encoder")) return null;
  const part = index.part("image_encoder");
  const encoder = visionEncoder(part);
  const preprocessing = preprocessingOf(index, encoder);
  return { part: { ...part, weights: await part.checkpoint() }, encoder, preprocessing };
}

function preprocessingOf(index: ModelFolder, { side }: VisionEncoder): ClipPreprocessing {
  const { folder, config } = index.part("image_processor");
  const read = clipPreprocessingSchema.safeParse(config);
  if (!read.success) {
    const faults = inOneSentence(faultsOf(clipPreprocessingSchema, config, { whole: "it" }));
    throw new CheckpointError(folder, `the preprocessor_config.json cannot be used: ${faults}`);
  }
  const { height, width } = read.data.crop_size;
  if (height === side && width === side) return read.data;
  throw new CheckpointError(
    folder,
    `the preprocessor_config.json makes pictures of ${width}x${height} pixels, and the image encoder takes ${side}x${side}`,
  );
}
