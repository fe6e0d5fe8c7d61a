import type { JobRef } from "../../lib/service/jobs/index.ts";

/**
 * Messages from the GPU function to a process that started it with an IPC channel. The channel carries
 * nothing in the other direction. When it closes, the GPU function exits.
 */
export type FromGpu =
  /**
   * Jobs are accepted from now on. `owner` is in the lease of every job it holds, so that the parent finds
   * them if it dies.
   */
  | { readonly kind: "listening"; readonly port: number; readonly owner: string }
  /** The job began or ended, and webhooks may be due. */
  | { readonly kind: "changed"; readonly ref: JobRef };
