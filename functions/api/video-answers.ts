import { isVideoId, type JobRecord } from "../../lib/service/jobs/index.ts";
import type { ApiDeps } from "./env.ts";
import { ApiError } from "./problem.ts";
import type { QueuePositions } from "./queue-positions.ts";
import type { Video } from "./schemas/video.ts";
import { signPreview, signUrls, videoView } from "./views/video.ts";

/** Videos as the API answers with them, one at a time: with signed URLs and a place in the queue. */
export interface VideoAnswers {
  /** @throws ApiError if the id is unknown, deleted or another tenant's; the error does not reveal which */
  find(tenant: string, id: string): Promise<JobRecord>;
  of(record: JobRecord): Promise<Video>;
  /** Resolves to the place in the queue; null if it does not wait, or the queue is too long. */
  positionOf(record: JobRecord): Promise<number | null>;
}

export function videoAnswers(
  { jobs, store, clock }: Pick<ApiDeps, "jobs" | "store" | "clock">,
  positions: Pick<QueuePositions, "before">,
): VideoAnswers {
  const positionOf = async (record: JobRecord) =>
    record.status === "queued" ? positions.before(record) : null;
  return {
    async find(tenant, id) {
      const record = isVideoId(id) ? await jobs.read({ tenant, id }) : null;
      if (record && record.deletedAt === null) return record;
      throw new ApiError("video_not_found", "There is no video with this id.");
    },
    async of(record) {
      const now = clock.now();
      return videoView(record, {
        now,
        urls: await signUrls(store, record, now),
        previewUrl: await signPreview(store, record),
        queuePosition: await positionOf(record),
      });
    },
    positionOf,
  };
}
