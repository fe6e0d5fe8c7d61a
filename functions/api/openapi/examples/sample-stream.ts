import type { JobRecord } from "../../../../lib/service/jobs/index.ts";
import { newsOf } from "../../stream/news.ts";
import { eventIdOf } from "../../stream/told.ts";
import { videoView } from "../../views/video.ts";
import { progressView } from "../../views/video-stream.ts";

/** Writes what a reader gets who opens the stream of a running sample: long texts are cut where the dots are. */
export function sampleStream(record: JobRecord): string {
  const events = newsOf(record, null, null).map((news) => {
    const id = eventIdOf(record.id, news.told);
    return [`event: ${news.event}`, `data: ${shown(JSON.stringify(dataOf(news, record)))}`, `id: ${id}`].join(
      "\n",
    );
  });
  return ["retry: 1000", ...events, ": nothing new"].join("\n\n");
}

function dataOf(news: ReturnType<typeof newsOf>[number], record: JobRecord): object {
  if (news.event === "status") return videoView(record);
  if (news.event === "progress")
    return progressView(record, { queuePosition: null, taken: news.taken, now: record.updatedAt });
  return { step: news.step, data: "data:image/webp;base64,UklGRg" };
}

const SHOWN_CHARACTERS = 90;

function shown(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
