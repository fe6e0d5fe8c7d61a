export { type DownloadProgress, downloadFiles } from "./download-files.ts";
export { downloadModel } from "./download-model.ts";
export {
  isModelName,
  type ModelCard,
  modelCards,
  modelPrefix,
  readModelCard,
  writeModelCard,
} from "./model-card.ts";
export { ModelStoreError } from "./model-store-error.ts";
export { type UploadedModel, type UploadProgress, uploadModel } from "./upload-model.ts";
