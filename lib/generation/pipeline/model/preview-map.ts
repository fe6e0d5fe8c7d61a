import { join } from "node:path";
import { isThere } from "../../../shared/is-there.ts";
import {
  CheckpointError,
  type IdentifiedPart,
  type JsonFileLimits,
  readJsonFile,
  weightsIdentity,
} from "../../checkpoint/index.ts";
import { latentDecoder } from "../../models/index.ts";
import { PREVIEW_FILE, type PreviewFile, previewCommand, readPreviewFile } from "../../preview/index.ts";

/** Map of a model's autoencoder with its origin, or the sentence that says why its file is not used. */
export type FoundPreviewMap = { readonly file: PreviewFile } | { readonly refused: string };

/** Limits of the file. A map of 512 channels to 8 by 8 pixels is below 2 MiB. */
const LIMITS: JsonFileLimits = { bytesMax: 2 * 2 ** 20, depthMax: 8, valuesMax: 200_000 };

interface PreviewedModel {
  readonly folder: string;
  /** Name of the model, for sentences. */
  readonly name: string;
  /** Part that decodes. */
  readonly vae: IdentifiedPart;
}

/**
 * Reads the map beside a model. Returns null if there is no file. A file that is damaged, or made for another
 * autoencoder, is refused and not an error.
 */
export async function findPreviewMap({ folder, name, vae }: PreviewedModel): Promise<FoundPreviewMap | null> {
  const path = join(folder, PREVIEW_FILE);
  if (!(await isThere(path))) return null;
  try {
    const read = readPreviewFile(await readJsonFile(path, LIMITS));
    if (!read.ok) return { refused: `${path}: ${read.fault.sentence}` };
    const { madeFor, map } = read.value;
    const { channels } = latentDecoder(vae);
    const isOther = map.channels !== channels || madeFor.autoencoder !== (await weightsIdentity([vae]));
    if (!isOther) return { file: read.value };
    return {
      refused: `${path} was measured with another autoencoder: measure this one with ${previewCommand(name)}.`,
    };
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    return { refused: `${error.message}.` };
  }
}
