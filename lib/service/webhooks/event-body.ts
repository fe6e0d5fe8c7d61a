import type { JobRecord, Receipt, WebhookEvent } from "../jobs/index.ts";

/**
 * The bytes of a webhook: what happened, and enough of the video to find out the rest. Made once for each event and
 * then kept, so that all deliveries send the same bytes whatever the code that sends them.
 *
 * Signed URLs are not in it: they would be over before the last retry.
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

/** A receipt without its schedule: webhooks are small. */
function computeSummary({ steps, speedup, seconds }: Receipt) {
  const { requested, computed, reused } = steps;
  return { steps: { requested, computed, reused }, speedup, seconds };
}
