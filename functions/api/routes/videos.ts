import { type Context, Hono } from "hono";
import * as z from "zod";
import {
  type ResolvedRequest,
  remixedRequest,
  resolvedRequestSchema,
  seedOf,
  withoutWords,
} from "../../../lib/generation/request/index.ts";
import { isFinished, type JobRecord, VARIANTS } from "../../../lib/service/jobs/index.ts";
import { StoreError, unlessDamaged } from "../../../lib/service/storage/index.ts";
import { redeliver } from "../../../lib/service/webhooks/index.ts";
import { claimOf } from "../claim.ts";
import { contentUrl, notReady } from "../content-url.ts";
import type { ApiDeps, ApiEnv } from "../env.ts";
import { listVideos } from "../list-videos.ts";
import { listQuery, videoFilter } from "../middleware/list-query.ts";
import { declaredBy, operation } from "../openapi/operation.ts";
import { orderVideo, webhookOf } from "../order-video.ts";
import { withPictureNames } from "../picture-fields.ts";
import { adviceForPictures, copiesOf, picturesOf } from "../pictures.ts";
import { ApiError } from "../problem.ts";
import { quoteVideo } from "../quote-video.ts";
import { drawSeed, resolveVideo } from "../resolve-video.ts";
import { type VideoQuote, videoQuoteSchema } from "../schemas/quote.ts";
import {
  deletedSchema,
  pageOf,
  type Video,
  videoContentSchema,
  videoEventsSchema,
  videoSchema,
} from "../schemas/video.ts";
import { remixSchema, videoCreateSchema } from "../schemas/video-request.ts";
import type { VideoAnswers } from "../video-answers.ts";
import { cancelVideo, untilOver } from "../video-life.ts";
import { pageView } from "../views/page.ts";
import { scheduleView } from "../views/schedule.ts";
import { eventsView, unixSeconds, videoView } from "../views/video.ts";
import { IDEMPOTENCY, ORDER, PREFER, WAIT_SECONDS_MAX } from "./video-order.ts";

const POLL_AFTER_MS = 1000;

const contentQuery = z.strictObject({
  variant: z
    .string()
    .max(32)
    .default("video")
    // An unknown name has an error code of its own, so the schema does not refuse it.
    .meta({ enum: VARIANTS })
    .describe("The MP4, a picture of it, or what `compare` made without cache."),
  redirect: z
    .enum(["true", "false"])
    .default("true")
    .describe(
      "`false` answers with the signed URL instead, for clients that would send their key along to it.",
    ),
});

const scheduleQuery = z.strictObject({
  width: z.coerce
    .number()
    .int()
    .min(300)
    .max(1200)
    .default(760)
    .describe("Pixels that the drawing will have; its texts then have their own size."),
});

/** Errors of an operation on one video. */
const FOUND = ["video_not_found", "record_damaged"] as const;

const redeliverBody = z.strictObject({ event_id: z.string().max(80).optional() });

export function videoRoutes(deps: ApiDeps, answers: VideoAnswers) {
  const { jobs, hints, limits, clock, random, live } = deps;
  const { bodyBytesMax, pictureBodyBytesMax, promptCharactersMax } = limits;
  const { positions } = deps.quotes;

  const find = (c: Context<ApiEnv>) => answers.find(c.var.principal.tenant, c.req.param("id")!);

  async function answer(c: Context<ApiEnv>, record: JobRecord) {
    if (!isFinished(record)) c.header("openai-poll-after-ms", String(POLL_AFTER_MS));
    return c.json<Video>(await answers.of(record));
  }

  /** Waits as long as `Prefer: wait=n` allows for the job to end, and returns its newest record. */
  async function awaited(c: Context<ApiEnv>, record: JobRecord): Promise<JobRecord> {
    const wait = /(?:^|[,;\s])wait(?:=(\d+))?(?=$|[,;\s])/i.exec(c.req.header("prefer") ?? "");
    if (!wait || isFinished(record)) return record;
    const seconds = Math.min(Number(wait[1] ?? WAIT_SECONDS_MAX), WAIT_SECONDS_MAX);
    c.header("preference-applied", `wait=${seconds}`);
    return untilOver(deps, record, { seconds, signal: c.req.raw.signal });
  }

  /** Answers an order once its video has ended, or at once, as the request prefers. */
  async function accepted(c: Context<ApiEnv>, { record, isReplay }: Awaited<ReturnType<typeof orderVideo>>) {
    if (!isReplay) {
      positions.joined(record);
    } else if (record.deletedAt !== null) {
      const what = "The video of this idempotency key was deleted: choose a new key to make it again.";
      throw new ApiError("video_expired", what);
    } else {
      c.header("idempotent-replayed", "true");
    }
    return answer(c, await awaited(c, record));
  }

  async function deleted(record: JobRecord): Promise<void> {
    await cancelVideo(deps, record);
    const clear = () => jobs.apply(record, { type: "delete", params: withoutWords(requestOf(record)) });
    try {
      await clear();
    } catch (error) {
      if (!(error instanceof StoreError && error.code === "full")) throw error;
      // Outputs are deleted without needing space, and their space lets the record be written. If another writer takes
      // it first, the video has lost its outputs, and the request can be repeated.
      await jobs.deleteFiles(record);
      await clear();
    }
    live?.changed(record);
    await jobs.deleteFiles(record);
  }

  return new Hono<ApiEnv>()
    .post(
      "/",
      operation({
        id: "createVideo",
        tag: "Videos",
        summary: "Create a video",
        description:
          "Queues a video and answers at once, or waits with `Prefer`. JSON and forms mean the same, but for files, which " +
          "forms alone have. The fields of other servers of `/v1/videos` are taken where they mean something here.",
        headers: { ...IDEMPOTENCY, ...PREFER },
        body: videoCreateSchema(promptCharactersMax),
        bytesMax: pictureBodyBytesMax,
        tooLarge: adviceForPictures(pictureBodyBytesMax),
        returns: videoSchema,
        problems: [...ORDER, "invalid_picture", "picture_unreachable"],
      }),
      async (c) => {
        const request = c.req.valid("json");
        const { principal } = c.var;
        const pictures = picturesOf(request, principal.tenant, deps);
        const ordered = await orderVideo(deps, {
          principal,
          params: resolveVideo(withPictureNames(request), deps),
          pictures: pictures.read,
          timeoutSeconds: request.timeout,
          metadata: request.metadata ?? {},
          webhook: webhookOf(deps, request),
          claim: claimOf(c, "POST /v1/videos", { ...request, ...pictures.fingerprint }),
        });
        return accepted(c, ordered);
      },
    )
    .post(
      "/quote",
      operation({
        id: "quoteVideo",
        tag: "Videos",
        summary: "Quote a video",
        description:
          "Says what a video should take, and cost, with a range that nine of ten outcomes should fall into. It takes the " +
          "same body as the creation and makes nothing. No picture is fetched.",
        body: videoCreateSchema(promptCharactersMax),
        bytesMax: pictureBodyBytesMax,
        tooLarge: adviceForPictures(pictureBodyBytesMax),
        returns: videoQuoteSchema,
        problems: ["invalid_webhook_url", "invalid_picture"],
      }),
      async (c) => {
        const request = c.req.valid("json");
        const { principal } = c.var;
        picturesOf(request, principal.tenant, deps);
        webhookOf(deps, request);
        const params = resolveVideo(withPictureNames(request), deps);
        return c.json<VideoQuote>(await quoteVideo(deps, { principal, params }));
      },
    )
    .get(
      "/",
      declaredBy(
        {
          id: "listVideos",
          tag: "Videos",
          summary: "List videos",
          description:
            "The newest first unless `order` says otherwise, without signed URLs. Filter by `metadata[key]=value` too. The " +
            "next page begins `after` the `last_id` of this one. A filter looks at 500 videos at most: its page may be " +
            "short, and if none matches, the error `filter_unfinished` says in `error.after` where to continue.",
          query: listQuery,
          returns: pageOf(videoSchema),
          problems: ["filter_unfinished"],
        },
        videoFilter,
      ),
      async (c) => {
        const { records, isTruncated } = await listVideos(jobs, c.var.principal.tenant, c.req.valid("query"));
        return c.json(
          pageView(
            records.map((record) => videoView(record)),
            isTruncated,
          ),
        );
      },
    )
    .get(
      "/:id",
      operation({
        id: "getVideo",
        tag: "Videos",
        summary: "Get a video",
        description: "Once it is completed it has signed URLs, made anew each time, and its compute receipt.",
        headers: PREFER,
        returns: videoSchema,
        problems: FOUND,
      }),
      async (c) => answer(c, await awaited(c, await find(c))),
    )
    .delete(
      "/:id",
      operation({
        id: "deleteVideo",
        tag: "Videos",
        summary: "Delete a video",
        description: "Deletes its files too, and cancels it first if it is not finished.",
        returns: deletedSchema,
        problems: ["video_not_found"],
      }),
      async (c) => {
        const id = c.req.param("id");
        const record = await find(c).catch(unlessDamaged);
        if (record === "damaged") await jobs.deleteDamaged({ tenant: c.var.principal.tenant, id });
        else await deleted(record);
        return c.json({ id, object: "video.deleted" as const, deleted: true as const });
      },
    )
    .post(
      "/:id/cancel",
      operation({
        id: "cancelVideo",
        tag: "Videos",
        summary: "Cancel a video",
        description:
          "The worker stops after its current denoising step. A video that is over stays as it is.",
        returns: videoSchema,
        problems: FOUND,
      }),
      async (c) => answer(c, await cancelVideo(deps, await find(c))),
    )
    .get(
      "/:id/content",
      operation({
        id: "getVideoContent",
        tag: "Videos",
        summary: "Download a video",
        description: "Redirects to the MP4, or to what else `variant` names.",
        query: contentQuery,
        returns: videoContentSchema,
        responses: { 302: { text: "`Location` is a signed URL, valid for an hour at most." } },
        problems: [...FOUND, "video_not_ready", "video_failed", "video_expired", "unsupported_variant"],
      }),
      async (c) => {
        const record = await find(c);
        const { variant, redirect } = c.req.valid("query");
        const { url, expiresAt } = await contentUrl(deps, record, variant);
        if (redirect === "true") return c.redirect(url, 302);
        return c.json({ object: "video.content" as const, url, url_expires_at: unixSeconds(expiresAt) });
      },
    )
    .get(
      "/:id/schedule.svg",
      operation({
        id: "getVideoSchedule",
        tag: "Videos",
        summary: "Draw the schedule of a video",
        description: "A chart of which steps were computed, and what the cache measured.",
        query: scheduleQuery,
        responses: { 200: { text: "A picture, made from the receipt.", mediaType: "image/svg+xml" } },
        problems: [...FOUND, "video_not_ready", "video_failed"],
      }),
      async (c) => {
        const record = await find(c);
        const { receipt } = record;
        if (!receipt) throw notReady(record);
        c.header("content-type", "image/svg+xml");
        c.header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'");
        return c.body(scheduleView(record, receipt, c.req.valid("query").width));
      },
    )
    .post(
      "/:id/remix",
      operation({
        id: "remixVideo",
        tag: "Videos",
        summary: "Remix a video",
        description:
          "Creates another video with the settings, the pictures and the seed of this one, and a new prompt.",
        headers: { ...IDEMPOTENCY, ...PREFER },
        body: remixSchema(promptCharactersMax),
        bytesMax: bodyBytesMax,
        returns: videoSchema,
        problems: [...ORDER, ...FOUND, "invalid_picture"],
      }),
      async (c) => {
        const parent = await find(c);
        const request = c.req.valid("json");
        const { principal } = c.var;
        const { seed } = request;
        const changes =
          seed === undefined ? request : { ...request, seed: seedOf(request, () => drawSeed(random)) };
        const ordered = await orderVideo(deps, {
          principal,
          params: remixedRequest(requestOf(parent), changes),
          timeoutSeconds: (parent.deadlineAt - parent.createdAt) / 1000,
          metadata: request.metadata ?? parent.metadata,
          webhook: webhookOf(deps, request) ?? parent.webhook,
          remixedFrom: parent.id,
          pictures: copiesOf(parent, deps),
          claim: claimOf(c, `POST /v1/videos/${parent.id}/remix`, request),
        });
        return accepted(c, ordered);
      },
    )
    .get(
      "/:id/events",
      operation({
        id: "listVideoEvents",
        tag: "Videos",
        summary: "List the events of a video",
        description: "What happened to it, and every attempt to deliver its webhooks.",
        returns: videoEventsSchema,
        problems: FOUND,
      }),
      async (c) => c.json(eventsView(await find(c))),
    )
    .post(
      "/:id/webhooks/redeliver",
      operation({
        id: "redeliverVideoWebhooks",
        tag: "Webhooks",
        summary: "Deliver webhooks of a video again",
        description:
          "All events, or one: with the same `webhook-id` and bytes, and from the first wait of the schedule.",
        body: redeliverBody,
        bytesMax: bodyBytesMax,
        returns: videoEventsSchema,
        problems: [...FOUND, "not_found"],
      }),
      async (c) => {
        const record = await find(c);
        const { event_id: eventId = null } = c.req.valid("json");
        const now = clock.now();
        // The marker comes first: if this process dies after the update, the sweeper still finds the job.
        if (isFinished(record)) await jobs.markUndelivered(record, now);
        const updated = await jobs.updateEvents(record, (newest) => {
          const events = redeliver(newest, eventId, now);
          return events ? { events } : { events: newest.events, tell: "unknown_event" as const };
        });
        if (updated?.told === "unknown_event")
          throw new ApiError("not_found", "This video has no event with this id.", { param: "event_id" });
        await hints.webhooks(record);
        return c.json(eventsView(updated?.record ?? record));
      },
    );
}

function requestOf({ params }: JobRecord): ResolvedRequest {
  return resolvedRequestSchema.parse(params);
}
