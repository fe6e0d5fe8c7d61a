export type { Claim } from "./claims.ts";
export { DELIVERY_WAIT_MS_MAX, hasDue, hasUnsettled, isDue, nextDueAt, nextLookAt, TAKEN_MS } from "./due.ts";
export { isVideoId, newVideoId, VIDEO_ID, videoIdTime } from "./ids.ts";
export type { NewInput } from "./inputs.ts";
export { type Applied, type JobStore, jobStore } from "./job-store.ts";
export { artifactKey, jobKey, jobOfKey, previewKey, type UnfinishedRef } from "./object-keys.ts";
export { type Receipt, receiptSchema } from "./receipt.ts";
export {
  type Artifact,
  type Delivery,
  type DeliveryAttempt,
  EVENT_TYPES,
  type EventType,
  isFinished,
  JOB_ERROR_CODES,
  JOB_STATUSES,
  type JobError,
  type JobProgress,
  type JobRecord,
  type JobRef,
  type JobStatus,
  type NewJob,
  type Outputs,
  queuedJob,
  VARIANTS,
  type WebhookEvent,
} from "./record.ts";
export { type DelayedHints, type Hints, type SweepOptions, type SweepReport, sweep } from "./sweep.ts";
export { type Holder, heldMs, type JobEvent, type Refusal, transition } from "./transition.ts";
export { fairTurns, inTurnOrder, type PassedOver, passedOver } from "./turns.ts";
