import { CheckpointError } from "../../lib/generation/checkpoint/index.ts";
import { GenerationError } from "../../lib/generation/pipeline/index.ts";
import { RequestError } from "../../lib/generation/request/index.ts";
import type { JobError } from "../../lib/service/jobs/index.ts";

/**
 * Why an attempt ends without a video. The message is one sentence for whoever asked for the video, and names nothing
 * of this machine; the cause is for the log.
 */
export class JobFailure extends Error {
  override readonly name = "JobFailure";
  readonly code: JobError["code"];
  /** Whether another attempt could go better. */
  readonly isRetryable: boolean;

  constructor(
    code: JobError["code"],
    message: string,
    { isRetryable = true, ...options }: ErrorOptions & { readonly isRetryable?: boolean } = {},
  ) {
    super(message, options);
    this.code = code;
    this.isRetryable = isRetryable;
  }
}

/** What an error in the middle of a job means for the job. */
export function failureOf(cause: unknown): JobFailure {
  if (cause instanceof JobFailure) return cause;
  if (cause instanceof RequestError) {
    return new JobFailure("invalid_request", cause.message, { cause, isRetryable: false });
  }
  if (cause instanceof CheckpointError) {
    return new JobFailure("model_load_failed", "The files of the model cannot be read.", { cause });
  }
  const fault = cause instanceof GenerationError ? cause.fault : null;
  switch (fault) {
    case "killed":
      return new JobFailure("out_of_memory", "The worker was killed, most likely for want of memory.", {
        cause,
      });
    case "invalid_output":
      return new JobFailure("invalid_output", "The model gave numbers that are no picture.", { cause });
    default:
      return new JobFailure("internal_error", "The video could not be generated.", { cause });
  }
}
