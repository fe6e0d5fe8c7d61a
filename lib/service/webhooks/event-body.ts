import type { JobRecord, Receipt, WebhookEvent } from "../jobs/index.ts";

/**
 * Returns the body of a webhook: the event, and enough of the video to look up the rest. It is made once for
 * each event and stored, so that every delivery sends the same bytes whatever the version of the code.
 *
 * Signed URLs are left out: they would expire before the last retry.
 */
export function eventBody(record: JobRecord, event: WebhookEvent): string {
  const { id, params, metadata, error, receipt } = record;
  const isLast = event.type === "video.completed" || event.type === "video.failed";
  return JSON.stringify({
    id: event.id,
    object: "event",
    type: event.type,
    created_at: Math.floor(event.at / 1000),
    timestamp: new Date(event.at).toISOString(),
    data: {
      id,
      object: "video",
      status: event.type.slice("video.".length),
      model: params.model,
      metadata,
      error: isLast ? error : null,
      compute: isLast && receipt ? computeSummary(receipt) : null,
    },
  });
}

/** Shortens a receipt: the schedule is left out to keep webhooks small. */
function computeSummary({ steps, speedup, seconds }: Receipt) {
  const { requested, computed, reused } = steps;
  return { steps: { requested, computed, reused }, speedup, seconds };
}
