export { Checkpoint, checkWeightsFile, commonFolder, relocated } from "./checkpoint.ts";
export { CheckpointError } from "./checkpoint-error.ts";
export {
  type ConversionProgress,
  type ConvertedPart,
  conversionDTypes,
  convertModel,
  countedBytes,
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
export { writeQuantized } from "./quantize-file.ts";
export { openQuantized, type QuantizedFile, type QuantizedPart, quantizeCommand } from "./quantized-file.ts";
export { readMetadata, type SafetensorsDType, type StoredTensor } from "./safetensors.ts";
export { modelNameOf, snapshotOf, strangeFolder, strangePath } from "./strange-folder.ts";
export { parseStrictJson } from "./strict-json.ts";
export { chooseWeights, missingShards, QUANTIZED_FILE } from "./weight-layout.ts";
export { configHash, type IdentifiedPart, weightsIdentity } from "./weights-identity.ts";
