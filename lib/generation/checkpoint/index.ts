export { Checkpoint, checkWeightsFile, commonFolder } from "./checkpoint.ts";
export { CheckpointError } from "./checkpoint-error.ts";
export {
  type ConversionProgress,
  type ConvertedPart,
  conversionDTypes,
  convertModel,
} from "./convert-model.ts";
export { type JsonFileLimits, readJsonFile, toPlain } from "./json-file.ts";
export {
  type Config,
  type ModelFolder,
  type ModelFolderOptions,
  type ModelPart,
  openModelFolder,
} from "./model-folder.ts";
export { hashWeights, modelFingerprint } from "./model-hash.ts";
export { readMetadata, type SafetensorsDType, type StoredTensor } from "./safetensors.ts";
export { modelNameOf, snapshotOf, strangeFolder, strangePath } from "./strange-folder.ts";
export { parseStrictJson } from "./strict-json.ts";
export { chooseWeights, missingShards } from "./weight-layout.ts";
export { configHash, type IdentifiedPart, weightsIdentity } from "./weights-identity.ts";
