import type { JobRef } from "../../lib/service/jobs/index.ts";

/**
 * Messages from the GPU function to a process that started it with an IPC channel. The channel carries
 * nothing in the other direction. When it closes, the GPU function exits.
 */
export type FromGpu =
  /**
   * Jobs are accepted from now on. `owner` is in the lease of every job that the GPU function holds, so the parent can
   * find these jobs if the function dies.
   */
  | { readonly kind: "listening"; readonly port: number; readonly owner: string }
  /** The job has begun, has ended or is queued again, and webhooks may be due. */
  | { readonly kind: "changed"; readonly ref: JobRef };
