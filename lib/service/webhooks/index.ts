export { REQUEST_TARGET, redeliver } from "./deliveries.ts";
export {
  type EndpointFields,
  type Endpoints,
  requestSecret,
  type WebhookEndpoint,
  webhookEndpoints,
} from "./endpoints.ts";
export { type DeliveryRun, deliverWebhooks, type Post, postSigned, type SenderOptions } from "./send.ts";
