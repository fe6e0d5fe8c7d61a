import {
  drawPreview,
  type LinearMap,
  MapFit,
  type Preview,
  PreviewPace,
  type PreviewShape,
  pixelsFor,
} from "../preview/index.ts";
import type { CleanEstimate } from "../sampling/index.ts";
import type { Frames } from "../video/index.ts";

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
  #map: LinearMap | null;
  #fit: MapFit | null = null;
  readonly #isLearning: boolean;

  /** @param map map from the model's folder; null if there is none */
  constructor(map: LinearMap | null) {
    this.#map = map;
    this.#isLearning = map === null;
  }

  /** False while there is no map, so that a video has no previews. */
  get isReady(): boolean {
    return this.#map !== null;
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
    if (map === null || map.channels !== shape.channels) return null;
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
    if (!this.#isLearning || (this.#fit?.videos ?? 0) >= VIDEOS_MAX) return;
    this.#fit ??= new MapFit({ channels: shape.channels, pixels: pixelsFor(shape, video) });
    this.#fit.add(latent, shape, video);
    this.#map = this.#fit.map()?.map ?? null;
  }
}
