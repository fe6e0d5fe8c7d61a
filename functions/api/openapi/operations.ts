import * as z from "zod";
import type { RequestLimits } from "../env.ts";
import { listQuery } from "../middleware/list-query.ts";
import type { ProblemCode } from "../problem.ts";
import { modelSchema } from "../routes/models.ts";
import { contentQuery, redeliverBody } from "../routes/videos.ts";
import { deletedSchema, pageOf, videoEventsSchema, videoSchema } from "../schemas/video.ts";
import { remixSchema, videoCreateSchema } from "../schemas/video-request.ts";
import {
  endpointCreateSchema,
  endpointSchema,
  endpointUpdateSchema,
  endpointWithSecretSchema,
  rotateSchema,
  testResultSchema,
  testSchema,
} from "../schemas/webhook-endpoint.ts";
import type { Operation } from "./operation.ts";

const IDEMPOTENCY = {
  "Idempotency-Key":
    "1 to 255 printable ASCII characters. Requests that carry the same key within 24 hours make one video.",
};

const PREFER = { Prefer: "`wait=n` answers when the video is over, or after n seconds, 25 at most." };

/** How an order of a video can fail besides. */
const ORDER: readonly ProblemCode[] = [
  "idempotency_key_reused",
  "invalid_webhook_url",
  "queue_full",
  "video_expired",
];

export function videoOperations({ promptCharactersMax }: RequestLimits): Operation[] {
  return [
    {
      method: "post",
      path: "/v1/videos",
      id: "createVideo",
      tag: "Videos",
      summary: "Create a video",
      description: "Queues a video. JSON and multipart forms mean the same.",
      headers: { ...IDEMPOTENCY, ...PREFER },
      body: videoCreateSchema(promptCharactersMax),
      returns: videoSchema,
      problems: ORDER,
    },
    {
      method: "get",
      path: "/v1/videos",
      id: "listVideos",
      tag: "Videos",
      summary: "List videos, newest first",
      description:
        "Filter by `metadata[key]=value` too. The next page begins `after` the `last_id` of this one.",
      query: listQuery,
      returns: pageOf(videoSchema),
    },
    {
      method: "get",
      path: "/v1/videos/{id}",
      id: "getVideo",
      tag: "Videos",
      summary: "Get a video, with signed URLs once it is completed",
      headers: PREFER,
      returns: videoSchema,
      problems: ["video_not_found"],
    },
    {
      method: "delete",
      path: "/v1/videos/{id}",
      id: "deleteVideo",
      tag: "Videos",
      summary: "Delete a video and its outputs; cancels it first if need be",
      returns: deletedSchema,
      problems: ["video_not_found"],
    },
    {
      method: "post",
      path: "/v1/videos/{id}/cancel",
      id: "cancelVideo",
      tag: "Videos",
      summary: "Cancel a video",
      description: "The worker stops after the denoising step it is at. A video that is over stays as it is.",
      returns: videoSchema,
      problems: ["video_not_found"],
    },
    {
      method: "get",
      path: "/v1/videos/{id}/content",
      id: "getVideoContent",
      tag: "Videos",
      summary: "Download the video, its thumbnail, or the video without cache",
      query: contentQuery,
      responses: { 302: "A signed URL, valid for an hour at most." },
      problems: ["video_not_found", "video_not_ready", "video_expired", "unsupported_variant"],
    },
    {
      method: "get",
      path: "/v1/videos/{id}/schedule.svg",
      id: "getVideoSchedule",
      tag: "Videos",
      summary: "Draw which steps of a video were computed, and why",
      responses: { 200: "An SVG image, made from the compute receipt." },
      problems: ["video_not_found", "video_not_ready"],
    },
    {
      method: "post",
      path: "/v1/videos/{id}/remix",
      id: "remixVideo",
      tag: "Videos",
      summary: "Create a video from another's settings and seed, with a new prompt",
      headers: { ...IDEMPOTENCY, ...PREFER },
      body: remixSchema(promptCharactersMax),
      returns: videoSchema,
      problems: [...ORDER, "video_not_found"],
    },
    {
      method: "get",
      path: "/v1/videos/{id}/events",
      id: "listVideoEvents",
      tag: "Videos",
      summary: "What happened to a video, and every attempt to tell of it",
      returns: videoEventsSchema,
      problems: ["video_not_found"],
    },
    {
      method: "post",
      path: "/v1/videos/{id}/webhooks/redeliver",
      id: "redeliverVideoWebhooks",
      tag: "Webhooks",
      summary: "Deliver one event of a video again, or all",
      description: "With the same webhook-id and the same bytes, from the beginning of the retry schedule.",
      body: redeliverBody,
      returns: videoEventsSchema,
      problems: ["video_not_found", "not_found"],
    },
  ];
}

export const webhookOperations: readonly Operation[] = [
  {
    method: "post",
    path: "/v1/webhook_endpoints",
    id: "createWebhookEndpoint",
    tag: "Webhooks",
    summary: "Register a URL that is told of your videos",
    body: endpointCreateSchema,
    returns: endpointWithSecretSchema,
    problems: ["invalid_webhook_url"],
  },
  {
    method: "get",
    path: "/v1/webhook_endpoints",
    id: "listWebhookEndpoints",
    tag: "Webhooks",
    summary: "List webhook endpoints",
    returns: pageOf(endpointSchema),
  },
  {
    method: "get",
    path: "/v1/webhook_endpoints/{id}",
    id: "getWebhookEndpoint",
    tag: "Webhooks",
    summary: "Get a webhook endpoint",
    returns: endpointSchema,
    problems: ["not_found"],
  },
  {
    method: "post",
    path: "/v1/webhook_endpoints/{id}",
    id: "updateWebhookEndpoint",
    tag: "Webhooks",
    summary: "Change a webhook endpoint",
    body: endpointUpdateSchema,
    returns: endpointSchema,
    problems: ["not_found", "invalid_webhook_url"],
  },
  {
    method: "delete",
    path: "/v1/webhook_endpoints/{id}",
    id: "deleteWebhookEndpoint",
    tag: "Webhooks",
    summary: "Delete a webhook endpoint",
    returns: deletedSchema,
    problems: ["not_found"],
  },
  {
    method: "post",
    path: "/v1/webhook_endpoints/{id}/rotate_secret",
    id: "rotateWebhookSecret",
    tag: "Webhooks",
    summary: "Replace the signing secret",
    body: rotateSchema,
    returns: endpointWithSecretSchema,
    problems: ["not_found"],
  },
  {
    method: "post",
    path: "/v1/webhook_endpoints/{id}/test",
    id: "testWebhookEndpoint",
    tag: "Webhooks",
    summary: "Send a signed test event",
    body: testSchema,
    returns: testResultSchema,
    problems: ["not_found"],
  },
  {
    method: "get",
    path: "/v1/webhook_secret",
    id: "getWebhookSecret",
    tag: "Webhooks",
    summary: "What signs the webhooks of a request's own `webhook_url`",
    returns: z.object({ object: z.literal("webhook_secret"), signing_secret: z.string() }),
  },
  {
    method: "get",
    path: "/v1/webhook_event_types",
    id: "listWebhookEventTypes",
    tag: "Webhooks",
    summary: "List the types of events",
    returns: z.object({ object: z.literal("list"), data: z.array(z.string()) }),
  },
];

export const modelOperations: readonly Operation[] = [
  {
    method: "get",
    path: "/v1/models",
    id: "listModels",
    tag: "Models",
    summary: "List the models of this deployment",
    returns: z.object({ object: z.literal("list"), data: z.array(modelSchema) }),
  },
  {
    method: "get",
    path: "/v1/models/{id}",
    id: "getModel",
    tag: "Models",
    summary: "Get a model",
    returns: modelSchema,
    problems: ["not_found"],
  },
  {
    method: "get",
    path: "/healthz",
    id: "getHealth",
    tag: "Models",
    summary: "Whether the API answers",
    isPublic: true,
    returns: z.object({ status: z.literal("ok"), version: z.string() }),
  },
];
