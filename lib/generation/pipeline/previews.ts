import {
  drawPreview,
  type LinearMap,
  MapLearner,
  type Preview,
  PreviewPace,
  type PreviewShape,
} from "../preview/index.ts";
import type { CleanEstimate } from "../sampling/index.ts";
import type { Frames } from "../video/index.ts";
import type { FoundPreviewMap } from "./model/preview-map.ts";

/** Latent before a denoising step, and what the transformer predicts of it. */
export interface StepEstimate {
  readonly denoisingStep: number;
  readonly latent: Float32Array;
  readonly prediction: Float32Array;
  /** Weights of both in the clean latent. */
  readonly clean: CleanEstimate;
}

/** Videos that a map is learnt from, where the model's folder has none. */
const VIDEOS_MAX = 8;

/** Previews of the videos of a pipeline. Without a map of the autoencoder they learn one from the first videos. */
export class Previews {
  readonly #found: FoundPreviewMap | null;
  readonly #learner: MapLearner | null;
  #map: LinearMap | null;

  /** @param found map from the model's folder; null if there is none */
  constructor(found: FoundPreviewMap | null) {
    this.#found = found;
    this.#map = found && "file" in found ? found.file.map : null;
    this.#learner = this.#map ? null : new MapLearner({ videosMax: VIDEOS_MAX });
  }

  /** Sentence that says why a video had no previews. */
  get whyNone(): string {
    const why =
      this.#found && "refused" in this.#found
        ? this.#found.refused
        : "The model's folder has no map of its autoencoder.";
    return `${why} So there were no previews of this video, and those of the next one use a map learnt from it.`;
  }

  /**
   * Starts the previews of one video. Returns what looks at every step and calls `onPreview` where a preview is due;
   * null if there is no map.
   */
  start(
    { steps, shape }: { readonly steps: number; readonly shape: PreviewShape },
    onPreview: (preview: Preview) => void,
  ): ((estimate: StepEstimate) => void) | null {
    const map = this.#map;
    if (map === null) return null;
    const pace = new PreviewPace(() => performance.now());
    return ({ denoisingStep, latent, prediction, clean }) => {
      const done = denoisingStep + 1;
      if (!pace.isDue(done, steps)) return;
      const estimate = { latent, prediction, kept: clean.latent, added: clean.prediction };
      pace.spend(() => onPreview(drawPreview(map, estimate, shape, done)));
    };
  }

  /** Learns from a finished video, if the model's folder has no map. */
  learn(latent: Float32Array, shape: PreviewShape, video: Frames): void {
    if (this.#learner === null) return;
    this.#learner.add(latent, shape, video);
    this.#map = this.#learner.learnt()?.map ?? null;
  }
}
