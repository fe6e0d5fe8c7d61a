import { setTimeout as sleep } from "node:timers/promises";
import { type Context, Hono } from "hono";
import * as z from "zod";
import {
  type ResolvedRequest,
  remixedRequest,
  resolvedRequestSchema,
  withoutWords,
} from "../../../lib/generation/request/index.ts";
import { isFinished, isVideoId, type JobRecord, VARIANTS } from "../../../lib/service/jobs/index.ts";
import { redeliver } from "../../../lib/service/webhooks/index.ts";
import { claimOf } from "../claim.ts";
import type { ApiDeps, ApiEnv } from "../env.ts";
import { body, query } from "../middleware/body.ts";
import { videoFilter } from "../middleware/list-query.ts";
import { orderVideo, webhookOf } from "../order-video.ts";
import { ApiError } from "../problem.ts";
import { queuePositions } from "../queue-positions.ts";
import { resolveVideo } from "../resolve-video.ts";
import type { Video } from "../schemas/video.ts";
import { remixSchema, videoCreateSchema } from "../schemas/video-request.ts";
import { pageView } from "../views/page.ts";
import { scheduleView } from "../views/schedule.ts";
import { eventsView, STATUS_NAMES, signUrls, type VideoViewOptions, videoView } from "../views/video.ts";

const POLL_AFTER_MS = 1000;
const WAIT_SECONDS_MAX = 25;
const WAIT_STEP_MS = 200;

/** Records that one request for a filtered list looks at. */
const FILTERED_MAX = 2000;

export const contentQuery = z.strictObject({ variant: z.string().max(32).default("video") });

export const redeliverBody = z.strictObject({ event_id: z.string().max(80).optional() });

export function videoRoutes(deps: ApiDeps) {
  const { jobs, store, hints, limits, clock } = deps;
  const { bodyBytesMax, promptCharactersMax } = limits;
  const positions = queuePositions(jobs, clock);

  /** @throws ApiError for an id that is unknown, deleted or somebody else's: nothing tells which */
  async function find(c: Context<ApiEnv>): Promise<JobRecord> {
    const id = c.req.param("id")!;
    const record = isVideoId(id) ? await jobs.read({ tenant: c.var.principal.tenant, id }) : null;
    if (record && record.deletedAt === null) return record;
    throw new ApiError("video_not_found", "There is no video with this id.");
  }

  async function answer(c: Context<ApiEnv>, record: JobRecord) {
    if (!isFinished(record)) c.header("openai-poll-after-ms", String(POLL_AFTER_MS));
    return c.json<Video>(videoView(record, await viewOptions(record)));
  }

  async function viewOptions(record: JobRecord): Promise<VideoViewOptions> {
    return {
      urls: await signUrls(store, record, clock.now()),
      queuePosition: record.status === "queued" ? await positions.before(record.id) : null,
    };
  }

  /** The record once it is over, or as it is after the seconds that `Prefer: wait=n` allows. */
  async function awaited(c: Context<ApiEnv>, record: JobRecord): Promise<JobRecord> {
    const wait = /(?:^|[,;\s])wait(?:=(\d+))?(?=$|[,;\s])/i.exec(c.req.header("prefer") ?? "");
    if (!wait || isFinished(record)) return record;
    const seconds = Math.min(Number(wait[1] ?? WAIT_SECONDS_MAX), WAIT_SECONDS_MAX);
    c.header("preference-applied", `wait=${seconds}`);
    const until = performance.now() + seconds * 1000;
    let newest = record;
    while (!isFinished(newest) && performance.now() < until && !c.req.raw.signal.aborted) {
      await sleep(WAIT_STEP_MS);
      newest = (await jobs.read(record)) ?? newest;
    }
    return newest;
  }

  async function cancelled(record: JobRecord): Promise<JobRecord> {
    const applied = await jobs.apply(record, { type: "cancel" });
    if (applied.ok && applied.isChanged) await hints.webhooks(record);
    return applied.record ?? record;
  }

  return new Hono<ApiEnv>()
    .post("/", body(videoCreateSchema(promptCharactersMax), bodyBytesMax), async (c) => {
      const request = c.req.valid("json");
      const { record, isReplay } = await orderVideo(deps, {
        principal: c.var.principal,
        params: resolveVideo(request, deps),
        timeoutSeconds: request.timeout,
        metadata: request.metadata ?? {},
        webhook: webhookOf(deps, request),
        claim: claimOf(c, "POST /v1/videos", request),
      });
      if (isReplay) c.header("idempotent-replayed", "true");
      else positions.joined(record.id);
      return answer(c, await awaited(c, record));
    })
    .get("/", videoFilter, async (c) => {
      const { after, limit, status, metadata } = c.req.valid("query");
      const { tenant } = c.var.principal;
      const isWanted = (record: JobRecord) =>
        record.deletedAt === null &&
        (status === undefined || STATUS_NAMES[record.status] === status) &&
        metadata.every(([name, value]) => record.metadata[name] === value);
      const isFiltered = status !== undefined || metadata.length > 0;
      const found: JobRecord[] = [];
      let [last, looked, isTruncated] = [after, 0, true];
      // One more than the page shows that there is a next page, which so is never empty.
      while (isTruncated && found.length <= limit && looked < FILTERED_MAX) {
        const page = await jobs.list(tenant, { after: last, limit: isFiltered ? 100 : limit + 1 });
        found.push(...page.records.filter(isWanted));
        looked += page.records.length;
        last = page.records.at(-1)?.id;
        isTruncated = page.isTruncated && last !== undefined;
      }
      if (isTruncated && found.length === 0) throw tooDeep(last);
      const data = found.slice(0, limit).map((record) => videoView(record));
      return c.json(pageView(data, isTruncated || found.length > limit));
    })
    .get("/:id", async (c) => answer(c, await awaited(c, await find(c))))
    .delete("/:id", async (c) => {
      const record = await find(c);
      await cancelled(record);
      await jobs.apply(record, { type: "delete", params: withoutWords(requestOf(record)) });
      await jobs.deleteArtifacts(record);
      return c.json({ id: record.id, object: "video.deleted" as const, deleted: true as const });
    })
    .post("/:id/cancel", async (c) => answer(c, await cancelled(await find(c))))
    .get("/:id/content", query(contentQuery), async (c) => {
      const record = await find(c);
      const url = await contentUrl(record, c.req.valid("query").variant);
      return c.redirect(url, 302);
    })
    .get("/:id/schedule.svg", async (c) => {
      const record = await find(c);
      const { receipt, status } = record;
      if (!receipt) throw new ApiError("video_not_ready", `This video is ${STATUS_NAMES[status]}.`);
      c.header("content-type", "image/svg+xml");
      c.header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'");
      return c.body(scheduleView(record, receipt));
    })
    .post("/:id/remix", body(remixSchema(promptCharactersMax), bodyBytesMax), async (c) => {
      const parent = await find(c);
      const request = c.req.valid("json");
      const { principal } = c.var;
      const { record, isReplay } = await orderVideo(deps, {
        principal,
        params: remixedRequest(requestOf(parent), request),
        timeoutSeconds: (parent.deadlineAt - parent.createdAt) / 1000,
        metadata: request.metadata ?? parent.metadata,
        webhook: webhookOf(deps, request) ?? parent.webhook,
        remixedFrom: parent.id,
        claim: claimOf(c, `POST /v1/videos/${parent.id}/remix`, request),
      });
      if (isReplay) c.header("idempotent-replayed", "true");
      else positions.joined(record.id);
      return answer(c, await awaited(c, record));
    })
    .get("/:id/events", async (c) => c.json(eventsView(await find(c))))
    .post("/:id/webhooks/redeliver", body(redeliverBody, bodyBytesMax), async (c) => {
      const record = await find(c);
      const { event_id: eventId = null } = c.req.valid("json");
      // Before the write too: a process that dies after it leaves a marker for the sweeper.
      if (isFinished(record)) await jobs.markUndelivered(record);
      const updated = await jobs.updateEvents(record, (newest) => {
        const events = redeliver(newest, eventId, clock.now());
        return events ? { events } : { events: newest.events, tell: "unknown_event" as const };
      });
      if (updated?.told === "unknown_event")
        throw new ApiError("not_found", "This video has no event with this id.", { param: "event_id" });
      if (isFinished(record)) await jobs.markUndelivered(record);
      await hints.webhooks(record);
      return c.json(eventsView(updated?.record ?? record));
    });

  async function contentUrl(record: JobRecord, name: string): Promise<string> {
    const variant = VARIANTS.find((known) => known === name);
    if (!variant) {
      throw new ApiError("unsupported_variant", `variant is one of ${VARIANTS.join(", ")}.`, {
        param: "variant",
      });
    }
    if (!record.outputs)
      throw new ApiError("video_not_ready", `This video is ${STATUS_NAMES[record.status]}.`);
    const urls = await signUrls(store, record, clock.now());
    if (!urls)
      throw new ApiError("video_expired", "The outputs of this video were deleted after their time.");
    const url = urls[variant];
    if (url) return url;
    throw new ApiError("unsupported_variant", `This video was made without ${variant}.`, {
      param: "variant",
    });
  }
}

function requestOf({ params }: JobRecord): ResolvedRequest {
  return resolvedRequestSchema.parse(params);
}

function tooDeep(last: string | undefined): ApiError {
  return new ApiError(
    "invalid_value",
    `None of the next ${FILTERED_MAX} videos matches: go on with after=${last}, or filter less.`,
    { param: "after" },
  );
}
