export { type FittedMap, type MapError, MapFit, pixelsFor } from "./fit.ts";
export type { LinearMap } from "./linear-map.ts";
export { PreviewPace } from "./pace.ts";
export { drawPreview, type LatentEstimate, type Preview, type PreviewShape } from "./preview.ts";
