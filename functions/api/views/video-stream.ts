import type { JobRecord } from "../../../lib/service/jobs/index.ts";
import type { ProgressEvent } from "../schemas/video-stream.ts";
import type { TakenStep } from "../stream/news.ts";
import { secondsLeft } from "./seconds-left.ts";
import { STATUS_NAMES } from "./video.ts";

/** Facts that an event tells besides the record. */
export interface ProgressTold {
  readonly queuePosition: number | null;
  readonly taken: readonly TakenStep[];
  /** Time of the event in milliseconds since 1970. */
  readonly now: number;
}

/** Converts the progress of a job to the data of an event. */
export function progressView(record: JobRecord, { queuePosition, taken, now }: ProgressTold): ProgressEvent {
  const { status, attempt, progress } = record;
  return {
    status: STATUS_NAMES[status],
    attempt,
    queue_position: queuePosition,
    stage: progress?.stage ?? null,
    steps: progress?.steps ?? null,
    steps_done: progress?.done ?? null,
    steps_computed: progress?.computed ?? null,
    seconds_left: secondsLeft(record, now),
    taken: [...taken],
  };
}
