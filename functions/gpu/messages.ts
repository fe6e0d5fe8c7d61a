import type { JobProgress, JobRef } from "../../lib/service/jobs/index.ts";

/** Message to the GPU function from a process that started it with an IPC channel. `alive` answers it. */
export interface ToGpu {
  readonly kind: "ping";
}

/**
 * Messages from the GPU function to a process that started it with an IPC channel. When the channel closes, the GPU
 * function exits.
 */
export type FromGpu =
  /** The main thread works; it never blocks for long. `fault` says why no model can be used; null if none is known. */
  | { readonly kind: "alive"; readonly fault: string | null }
  /**
   * Jobs are accepted from now on. `owner` is in the lease of every job that the GPU function holds, so the parent can
   * find these jobs if the function dies.
   */
  | { readonly kind: "listening"; readonly port: number; readonly owner: string }
  /** The job has begun, has ended or is queued again, and webhooks may be due. */
  | { readonly kind: "changed"; readonly ref: JobRef }
  /** An attempt has got further; the job's record is written less often. */
  | {
      readonly kind: "progress";
      readonly ref: JobRef;
      readonly attempt: number;
      readonly progress: JobProgress;
    }
  /** An attempt has a newer preview: an animated WebP in base64, and the steps that were done. */
  | {
      readonly kind: "preview";
      readonly ref: JobRef;
      readonly attempt: number;
      readonly step: number;
      readonly webp: string;
    };
