export {
  JITTER,
  planDeliveries,
  REQUEST_TARGET,
  RETRY_AFTER_SECONDS_MAX,
  redeliver,
  WAITS_SECONDS,
  withAttempt,
} from "./deliveries.ts";
export {
  type EndpointFields,
  type Endpoints,
  requestSecret,
  type WebhookEndpoint,
  webhookEndpoints,
} from "./endpoints.ts";
export { eventBody } from "./event-body.ts";
export {
  type DeliveryPlan,
  type DeliveryRun,
  deliverWebhooks,
  type Post,
  planWebhooks,
  postSigned,
  type SenderOptions,
} from "./send.ts";
