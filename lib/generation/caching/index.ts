export type { ErrorTable, Goal, Ladder, PromiseWord, TableFile } from "./budget/index.ts";
export { budget, budgetOfDamage, hasFewSteps, PROMISES, promiseForm } from "./budget/index.ts";
export { keptShare, promiseCost } from "./budget/promise-cost.ts";
export { readTableFile, TABLE_FILE, tableCommand } from "./budget/table-file.ts";
export type { CalibrationAim, CalibrationRun, ProposedCodebook } from "./calibration.ts";
export { proposeCodebook, replayAll, replayRun } from "./calibration.ts";
export type { CodebookFile } from "./codebook-file.ts";
export type { Band, Column, ColumnValues, Drawing, StoredOptions } from "./column.ts";
export { type ComputedBounds, computedBounds } from "./computed-bounds.ts";
export type { GenerationFacts, PolicyRun, StepAhead } from "./facts.ts";
export { off } from "./off.ts";
export { type ParseOptions, parseCachePolicy } from "./parse.ts";
export { type Answer, type CachePolicy, type CacheState, createPolicy } from "./policy.ts";
export { CachePolicyError } from "./policy-error.ts";
export { type PromiseOutcome, promisedSeconds, promiseOutcome } from "./promise.ts";
export {
  publishedCache,
  publishedCacheSchema,
  publishedColumns,
  publishedExplanations,
  publishedSchedule,
  publishedStepSchema,
  traceOfPublished,
} from "./published.ts";
export { CACHE_USAGE, formName, formsInOrder, policyChoices, policyKinds } from "./registry.ts";
export { cacheFlagSchemas, cacheSettingSchema, type OutsideSetting, outsideSettings } from "./setting.ts";
export type { Measured, SignalAfter, SignalBefore, SignalName } from "./signals.ts";
export { staticPolicy } from "./static.ts";
export type { CacheTrace, TraceStep } from "./trace.ts";
export { cacheTrace, columnsOf, explanationOf, optionNotes, optionsOf, traceStep } from "./trace.ts";
