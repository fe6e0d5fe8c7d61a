import { type JobRecord, previewKey } from "../../../lib/service/jobs/index.ts";
import type { ApiDeps } from "../env.ts";
import type { StreamEvents } from "../schemas/video-stream.ts";
import type { VideoAnswers } from "../video-answers.ts";
import { progressView } from "../views/video-stream.ts";
import { type News, newsOf } from "./news.ts";
import { eventIdOf, type Told } from "./told.ts";

/** Event of a stream as it is sent. Its data is JSON. */
export interface StreamEvent {
  readonly event: keyof StreamEvents;
  /** Left out by the last event about a video that is gone. */
  readonly id?: string;
  readonly data: string;
}

/** Sends an event; resolves to false if the reader is gone. */
export type Send = (event: StreamEvent) => Promise<boolean>;

/** Teller of what becomes of videos. */
export interface Teller {
  /**
   * Tells what a reader does not know yet.
   *
   * @returns what the reader knows then; null if it is gone
   */
  tell(record: JobRecord, told: Told | null, send: Send): Promise<Told | null>;
}

/** State of a video, with what this process knows better than the record. */
interface Seen {
  readonly record: JobRecord;
  readonly position: number | null;
  /** Newest preview in base64; null if only the store may have it. */
  readonly preview: string | null;
}

export function teller(
  { store, live, clock }: Pick<ApiDeps, "store" | "live" | "clock">,
  answers: VideoAnswers,
): Teller {
  async function look(record: JobRecord): Promise<Seen> {
    const position = await answers.positionOf(record);
    const own = record.status === "running" ? (live?.progressOf(record) ?? null) : null;
    if (own?.attempt !== record.attempt) return { record, position, preview: null };
    const { progress, preview } = own;
    const step = preview?.step ?? record.progress?.preview ?? null;
    return {
      record: { ...record, progress: { ...progress, preview: step } },
      position,
      preview: preview?.webp ?? null,
    };
  }

  async function dataOf(news: News, { record, position, preview }: Seen): Promise<object | null> {
    if (news.event === "status") return answers.of(record);
    if (news.event === "progress")
      return progressView(record, { queuePosition: position, taken: news.taken, now: clock.now() });
    const webp = preview ?? (await storedPreview(record));
    return webp === null ? null : { step: news.step, data: `data:image/webp;base64,${webp}` };
  }

  /** Reads the preview of the running attempt; null if it was deleted, because the attempt has ended. */
  async function storedPreview(record: JobRecord): Promise<string | null> {
    const stored = await store.get(previewKey(record, record.attempt));
    return stored && Buffer.from(stored.body).toString("base64");
  }

  return {
    async tell(record, told, send) {
      const seen = await look(record);
      let known = told;
      for (const news of newsOf(seen.record, seen.position, told)) {
        const data = await dataOf(news, seen);
        const event = { event: news.event, id: eventIdOf(record.id, news.told), data: JSON.stringify(data) };
        if (data !== null && !(await send(event))) return null;
        known = news.told;
      }
      return known;
    },
  };
}
