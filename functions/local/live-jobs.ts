import { EventEmitter } from "node:events";
import type { JobProgress, JobRef } from "../../lib/service/jobs/index.ts";
import type { LiveJobs, LiveProgress } from "../api/env.ts";

/** News of jobs on this machine: what the GPU function tells, kept for those who watch. */
export interface LocalLiveJobs extends LiveJobs {
  /** Keeps the progress of an attempt. */
  progressed(ref: JobRef, attempt: number, progress: JobProgress): void;
  /** Keeps a preview of an attempt. */
  previewed(ref: JobRef, attempt: number, preview: NonNullable<LiveProgress["preview"]>): void;
}

/** Number of jobs whose progress is kept: 64 run at a time, so others are over without having been told so. */
const KEPT_MAX = 128;

export function liveJobs(): LocalLiveJobs {
  /** Emits the ids of jobs. Any number of requests may watch one. */
  const news = new EventEmitter().setMaxListeners(0);
  const kept = new Map<string, LiveProgress>();

  function keep(id: string, live: LiveProgress): void {
    kept.delete(id);
    // Forgets the oldest: a Map keeps the order of insertion.
    if (kept.size >= KEPT_MAX) kept.delete(kept.keys().next().value!);
    kept.set(id, live);
    news.emit(id, "progress");
  }

  return {
    watch({ id }, wake) {
      news.on(id, wake);
      return () => news.off(id, wake);
    },
    progressOf: ({ id }) => kept.get(id) ?? null,
    changed({ id }) {
      // An attempt has begun or ended.
      kept.delete(id);
      news.emit(id, "record");
    },
    progressed({ id }, attempt, progress) {
      const before = kept.get(id);
      keep(id, { attempt, progress, preview: before?.attempt === attempt ? before.preview : null });
    },
    previewed({ id }, attempt, preview) {
      const before = kept.get(id);
      // Progress comes first. A preview without it is a late one of an attempt that is over.
      if (before?.attempt === attempt) keep(id, { ...before, preview });
    },
  };
}
