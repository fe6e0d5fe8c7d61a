import type { JobRef } from "../../lib/service/jobs/index.ts";

/**
 * What the GPU function says to a process that started it with an IPC channel. It is told nothing over the channel, and
 * goes when the channel closes.
 */
export type FromGpu =
  /** Jobs are taken from now on. `owner` is in the lease of every job it holds, for whoever sees it die. */
  | { readonly kind: "listening"; readonly port: number; readonly owner: string }
  /** The job began or ended, and there may be webhooks to send. */
  | { readonly kind: "changed"; readonly ref: JobRef };
