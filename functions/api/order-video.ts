import type { ResolvedRequest } from "../../lib/generation/request/index.ts";
import {
  type Claim,
  type JobRecord,
  type NewInput,
  newVideoId,
  videoIdTime,
} from "../../lib/service/jobs/index.ts";
import type { Principal } from "../../lib/service/keys/index.ts";
import { checkWebhookUrl } from "../../lib/service/net/index.ts";
import type { Quote } from "../../lib/service/quotes/index.ts";
import type { ApiDeps } from "./env.ts";
import { ApiError } from "./problem.ts";
import { makeQuote, type QuoteOrder } from "./quote-video.ts";
import type { VideoCreate } from "./schemas/video-request.ts";
import { reserve } from "./spending-limit.ts";

/** Validated order of one video. */
export interface VideoOrder {
  readonly principal: Principal;
  readonly params: ResolvedRequest;
  readonly timeoutSeconds: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly webhook: JobRecord["webhook"];
  readonly remixedFrom?: string;
  readonly claim?: Claim | undefined;
  /** Reads the pictures of the video, once it is known that its job is to be created. */
  readonly pictures?: (() => Promise<Readonly<Record<string, NewInput>>>) | undefined;
}

/**
 * Creates the job of an order, or returns the job that an earlier request with the same claim created.
 *
 * @throws ApiError if the claim was used for a different order, its video was deleted, the key has too many unfinished
 *   jobs, or a picture cannot be used
 */
export async function orderVideo(
  deps: ApiDeps,
  { principal, timeoutSeconds, claim, pictures, ...order }: VideoOrder,
): Promise<{ record: JobRecord; isReplay: boolean }> {
  const { jobs, hints, limits, retentionMs, clock, random } = deps;
  const quote = await quoteIfPossible(deps, { principal, params: order.params });
  // The id holds the time of creation, and the deadline is told as seconds after it: both from one look at the clock.
  const id = newVideoId(clock, random);
  const now = videoIdTime(id);
  const creation = await jobs.create(
    {
      ...principal,
      quote,
      id,
      createdAt: now,
      deadlineAt: now + Math.round(timeoutSeconds * 1000),
      expiresAt: now + retentionMs,
      params: order.params,
      metadata: { ...order.metadata },
      remixedFrom: order.remixedFrom ?? null,
      webhook: order.webhook,
    },
    {
      claim,
      unfinishedMax: limits.unfinishedMax,
      async inputs(created) {
        const read = (await pictures?.()) ?? {};
        await reserve(deps, { principal, id: created, quote, timeoutSeconds });
        return read;
      },
    },
  );
  if (creation.outcome === "mismatched") {
    throw new ApiError(
      "idempotency_key_reused",
      "This idempotency key was used for another request: choose a new one.",
    );
  }
  if (creation.outcome === "gone") {
    throw new ApiError(
      "video_expired",
      "The video of this idempotency key was deleted after its time: choose a new key to make it again.",
    );
  }
  if (creation.outcome === "queue_full") {
    throw new ApiError(
      "queue_full",
      `This key has ${limits.unfinishedMax} unfinished videos: wait until one of them ends.`,
      {
        headers: { "retry-after": "5" },
      },
    );
  }
  const isReplay = creation.outcome === "replayed";
  if (!isReplay) await hints.work(creation.record);
  return { record: creation.record, isReplay };
}

/** Makes the quote that the job's record keeps; null if it cannot be made, since an order never waits for a quote. */
async function quoteIfPossible(deps: ApiDeps, order: QuoteOrder): Promise<Quote | null> {
  return makeQuote(deps, order).catch((error: Error) => {
    deps.log.warn({ reason: error.message }, "a video is made without a quote");
    return null;
  });
}

/**
 * Returns the webhook of a request, or null if it has none.
 *
 * @throws ApiError if webhooks must not be sent to its URL, or if it has events without a URL
 */
export function webhookOf(
  { webhookUrls }: Pick<ApiDeps, "webhookUrls">,
  { webhook_url: url, webhook_events: events }: Pick<VideoCreate, "webhook_url" | "webhook_events">,
): JobRecord["webhook"] {
  if (url === undefined) {
    if (events === undefined) return null;
    throw new ApiError("invalid_value", "webhook_events needs a webhook_url: give both or neither.", {
      param: "webhook_events",
    });
  }
  const checked = checkWebhookUrl(url, webhookUrls);
  if (!checked.ok) throw new ApiError("invalid_webhook_url", checked.reason, { param: "webhook_url" });
  return { url: checked.url, events: events ?? ["video.completed", "video.failed"] };
}
