export { measureReuse, type ReuseMeasurement } from "./calibrate.ts";
export type { DenoisingSessions } from "./denoiser.ts";
export { CancelledError, GenerationError } from "./errors.ts";
export { autoencoderOf, measurePreviewMap } from "./measure-preview.ts";
export type { LoraCheck, ModelCheck, PartCheck, VideoCheck } from "./model/check.ts";
export { checkModel } from "./model/check.ts";
export { configFaults, type FolderConfigs } from "./model/config-faults.ts";
export { describeModel, type ModelDescription } from "./model/description.ts";
export { findModel, modelFolders } from "./model/find-model.ts";
export type { UsedLora } from "./model/open-loras.ts";
export type { PipelineOptions } from "./model/parts.ts";
export { quantizeModel } from "./model/quantize-model.ts";
export { residencyFor, usableShare, wholeBytes } from "./model/residency.ts";
export type {
  GenerateOptions,
  Generation,
  Observed,
  Observer,
  Pipeline,
  Progress,
  Stage,
} from "./pipeline.ts";
export { openPipeline } from "./pipeline.ts";
export { type PipelineProcess, type ProcessOptions, startPipelineProcess } from "./process/process.ts";
export { type Savings, savings } from "./savings.ts";
export { type MeasuredTable, measureTable, STEPS_MIN, type TableProgress } from "./table/calibrate-table.ts";
export type { Trial } from "./trial.ts";
