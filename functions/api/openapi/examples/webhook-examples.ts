import { EVENT_TYPES, videoIdTime } from "../../../../lib/service/jobs/index.ts";
import type { EndpointView } from "../../schemas/webhook-endpoint.ts";
import { pageView } from "../../views/page.ts";
import { unixSeconds } from "../../views/video.ts";
import { type Example, IDS, type OperationExamples } from "./example.ts";

export const SAMPLE_SECRET = "whsec_NQGTUlhnkzDjWgSYPuPOpNKAAR5vGpRRKf2Qxl+H9zk=";

const at = unixSeconds(videoIdTime(IDS.video));

const endpoint: EndpointView = {
  id: IDS.webhookEndpoint,
  object: "webhook_endpoint",
  name: "orders",
  url: "https://example.com/webhooks",
  event_types: ["video.completed", "video.failed"],
  created_at: at,
  updated_at: at,
  disabled_at: null,
  signing_secret_hint: `whsec_...${SAMPLE_SECRET.slice(-4)}`,
};

const shown = (value: EndpointView): Example => ({ summary: "The endpoint", value });

/** Examples of the operations on webhooks, by the id of the operation. */
export const webhookExamples: Readonly<Record<string, OperationExamples>> = {
  createWebhookEndpoint: {
    bodies: {
      url: { summary: "A URL", value: { url: "https://example.com/webhooks", name: "orders" } },
      events: {
        summary: "All events",
        value: { url: "https://example.com/webhooks", event_types: EVENT_TYPES },
      },
    },
    answers: {
      created: { summary: "With its secret", value: { ...endpoint, signing_secret: SAMPLE_SECRET } },
    },
    wrong: { url: "https://example.com/webhooks", event_types: [] },
  },
  listWebhookEndpoints: {
    answers: { page: { summary: "All of them", value: pageView([endpoint]) } },
  },
  getWebhookEndpoint: { answers: { endpoint: shown(endpoint) } },
  updateWebhookEndpoint: {
    bodies: { url: { summary: "A new URL", value: { url: "https://example.com/hooks/video" } } },
    answers: {
      endpoint: shown({ ...endpoint, url: "https://example.com/hooks/video", updated_at: at + 60 }),
    },
    wrong: { name: "" },
  },
  deleteWebhookEndpoint: {
    answers: {
      deleted: {
        summary: "Deleted",
        value: { id: IDS.webhookEndpoint, object: "webhook_endpoint.deleted", deleted: true },
      },
    },
  },
  rotateWebhookSecret: {
    bodies: { keep: { summary: "Keep the old one", value: { keep_old_secret_active_for_24_hours: true } } },
    answers: {
      rotated: { summary: "With its secret", value: { ...endpoint, signing_secret: SAMPLE_SECRET } },
    },
    wrong: { keep_old_secret_active_for_24_hours: "yes" },
  },
  testWebhookEndpoint: {
    bodies: { completed: { summary: "A completed video", value: { event_type: "video.completed" } } },
    answers: {
      accepted: { summary: "The receiver answered", value: testResult({ success: true, status_code: 204 }) },
      unreachable: { summary: "No answer", value: testResult({ success: false, reason: "timeout" }) },
    },
    wrong: { event_type: "video.done" },
  },
  getWebhookSecret: {
    answers: {
      secret: {
        summary: "The secret",
        value: { object: "webhook_secret", signing_secret: SAMPLE_SECRET },
      },
    },
  },
  listWebhookEventTypes: {
    answers: { types: { summary: "All types", value: { object: "list", data: EVENT_TYPES } } },
  },
};

function testResult(result: { success: boolean; status_code?: number; reason?: string }) {
  return {
    object: "webhook_endpoint.test",
    webhook_endpoint_id: IDS.webhookEndpoint,
    event_type: "video.completed",
    status_code: null,
    reason: null,
    ...result,
  };
}
