import { modelNameOf, openModelFolder, weightsIdentity } from "../checkpoint/index.ts";
import { type FittedMap, MapLearner, type PreviewFile } from "../preview/index.ts";
import type { ResolvedRequest } from "../request/index.ts";
import { decoderPart, type PipelineOptions } from "./model/parts.ts";
import { type FoundPreviewMap, findPreviewMap } from "./model/preview-map.ts";
import { openPipeline } from "./pipeline.ts";

/** Videos from which on whole ones are held out to measure the error. */
const VIDEOS_HELD_OUT_MIN = 5;

export interface PreviewMeasurement {
  readonly requests: readonly ResolvedRequest[];
  readonly options?: PipelineOptions;
  readonly onProgress?: (request: number) => void;
}

/**
 * Makes videos, and fits the map of the model's autoencoder to them. Returns null if they are too small to tell the
 * channels of a latent apart.
 *
 * @throws the errors of `openPipeline` and `generate`
 */
export async function measurePreviewMap(
  folder: string,
  { requests, options, onProgress }: PreviewMeasurement,
): Promise<FittedMap | null> {
  const heldOut = requests.length < VIDEOS_HELD_OUT_MIN ? "rows" : "videos";
  const learner = new MapLearner({ videosMax: requests.length, heldOut });
  const pipeline = await openPipeline(folder, options, {
    signals: [],
    through: (sessions) => sessions,
    decoded: (...made) => learner.add(...made),
  });
  try {
    for (const [index, request] of requests.entries()) {
      onProgress?.(index);
      await pipeline.generate(request);
    }
    return learner.learnt();
  } finally {
    await pipeline.close();
  }
}

/** Returns what a map of a model measured now would say that it was made for, and the map that the folder holds. */
export async function autoencoderOf(folder: string): Promise<{
  readonly madeFor: PreviewFile["madeFor"];
  readonly found: FoundPreviewMap | null;
}> {
  const index = await openModelFolder(folder);
  const part = index.part(decoderPart(index));
  const vae = { ...part, weights: await part.checkpoint() };
  const name = modelNameOf(index.folder);
  return {
    madeFor: { model: name, autoencoder: await weightsIdentity([vae]) },
    found: await findPreviewMap({ folder: index.folder, name, vae }),
  };
}
