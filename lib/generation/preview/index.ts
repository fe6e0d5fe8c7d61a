export { type FittedMap, MapFit } from "./fit.ts";
export type { LatentEstimate } from "./latent-estimate.ts";
export type { LinearMap } from "./linear-map.ts";
export { PREVIEW_FILE, type PreviewFile, previewCommand, readPreviewFile } from "./map-file.ts";
export { MapLearner } from "./map-learner.ts";
export { PreviewPace } from "./pace.ts";
export { drawPreview, type Preview, type PreviewShape } from "./preview.ts";
