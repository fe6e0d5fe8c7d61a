import type { JobRecord } from "../../../lib/service/jobs/index.ts";
import type { ProgressEvent } from "../schemas/video-stream.ts";
import type { TakenStep } from "../stream/news.ts";
import { STATUS_NAMES } from "./video.ts";

/** Converts the progress of a job to the data of an event. */
export function progressView(
  { status, attempt, progress }: JobRecord,
  queuePosition: number | null,
  taken: readonly TakenStep[],
): ProgressEvent {
  return {
    status: STATUS_NAMES[status],
    attempt,
    queue_position: queuePosition,
    stage: progress?.stage ?? null,
    steps: progress?.steps ?? null,
    steps_done: progress?.done ?? null,
    steps_computed: progress?.computed ?? null,
    seconds_left: progress?.secondsLeft ?? null,
    taken: [...taken],
  };
}
