import { JOB_STATUSES, type JobProgress, type JobStatus } from "../../../lib/service/jobs/index.ts";

/** State that the reader of a stream was told last. It is the id of each event, so any instance can go on from it. */
export interface Told {
  readonly status: JobStatus;
  readonly attempt: number;
  /** Denoising steps of the attempt that were told of. */
  readonly done: number;
  readonly stage: JobProgress["stage"] | null;
  readonly position: number | null;
  /** Step of the newest preview that was sent. */
  readonly preview: number | null;
}

const STAGES: readonly string[] = [
  "load",
  "encode",
  "denoise",
  "decode",
  "write",
] satisfies readonly NonNullable<Told["stage"]>[];

const NOTHING = "-";

/** Writes the id of an event of a video's stream. */
export function eventIdOf(
  videoId: string,
  { status, attempt, done, stage, position, preview }: Told,
): string {
  return [videoId, status, attempt, done, stage, position, preview].map((part) => part ?? NOTHING).join(".");
}

/** Reads the id of an event of this video's stream; null for any other text. */
export function toldBy(eventId: string | undefined, videoId: string): Told | null {
  const [id, status, attempt, done, stage, position, preview, ...more] = (eventId ?? "").split(".");
  const [attempts, steps, place, shown] = [attempt, done, position, preview].map(countOf);
  const known = JOB_STATUSES.find((each) => each === status);
  const isWhole = attempts !== undefined && steps !== undefined && place !== undefined && shown !== undefined;
  if (id !== videoId || !known || !isWhole || attempts === null || steps === null || more.length > 0)
    return null;
  if (stage !== NOTHING && !STAGES.includes(stage!)) return null;
  return {
    status: known,
    attempt: attempts,
    done: steps,
    stage: stage === NOTHING ? null : (stage as Told["stage"]),
    position: place,
    preview: shown,
  };
}

/** Reads a count; undefined if the text is none. */
function countOf(text: string | undefined): number | null | undefined {
  if (text === NOTHING) return null;
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
