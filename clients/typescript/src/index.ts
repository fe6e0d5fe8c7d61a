export {
  type AdareelClient,
  adareelClient,
  type ClientOptions,
  type ContentOptions,
  type CreateOptions,
  type Model,
  type Video,
  type VideoRequest,
  type WaitOptions,
} from "./client.ts";
export { AdareelError } from "./error.ts";
export type { VideoEvent, VideoProgress } from "./events.ts";
export { verifyWebhook, type WebhookEvent, type WebhookToVerify } from "./webhook.ts";
