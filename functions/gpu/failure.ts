import { CheckpointError } from "../../lib/generation/checkpoint/index.ts";
import { GenerationError } from "../../lib/generation/pipeline/index.ts";
import { RequestError } from "../../lib/generation/request/index.ts";
import type { JobError } from "../../lib/service/jobs/index.ts";

/**
 * Error that ends an attempt without a video. The message is one sentence for the user and reveals nothing about this
 * machine; the cause is for the log.
 */
export class JobFailure extends Error {
  override readonly name = "JobFailure";
  readonly code: JobError["code"];
  /** True if another attempt may succeed. */
  readonly isRetryable: boolean;
  /** True if the worker lost what it works with, which counts as the loss of a worker and not as a failed attempt. */
  readonly isLoss: boolean;

  constructor(
    code: JobError["code"],
    message: string,
    {
      isRetryable = true,
      isLoss = false,
      ...options
    }: ErrorOptions & { readonly isRetryable?: boolean; readonly isLoss?: boolean } = {},
  ) {
    super(message, options);
    this.code = code;
    this.isRetryable = isRetryable;
    this.isLoss = isLoss;
  }
}

/** Converts an error during a job to a JobFailure. */
export function failureOf(cause: unknown): JobFailure {
  if (cause instanceof JobFailure) return cause;
  if (cause instanceof RequestError) {
    return new JobFailure("invalid_request", cause.message, { cause, isRetryable: false });
  }
  const fault = cause instanceof GenerationError ? cause.fault : null;
  if (cause instanceof CheckpointError || fault === "bad_files") {
    return new JobFailure("model_load_failed", "The files of the model cannot be read.", { cause });
  }
  switch (fault) {
    case "killed":
      return new JobFailure("out_of_memory", "The worker was killed, most likely because memory ran out.", {
        cause,
      });
    case "stalled":
      return new JobFailure(
        "stalled",
        "The model made no progress for too long, so the worker ended its process.",
        { cause },
      );
    case "device_lost":
      return new JobFailure("worker_lost", "The worker lost its GPU.", { cause, isLoss: true });
    case "invalid_output":
      // Its message names a stage, and nothing of this machine.
      return new JobFailure("invalid_output", (cause as GenerationError).message, { cause });
    default:
      return new JobFailure("internal_error", "The video could not be generated.", { cause });
  }
}
