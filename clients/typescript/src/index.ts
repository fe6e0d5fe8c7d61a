export {
  type AdareelClient,
  adareelClient,
  type ClientOptions,
  type ContentOptions,
  type CreateOptions,
  type WaitOptions,
} from "./client.ts";
export { AdareelError } from "./error.ts";
export type { VideoEvent, VideoProgress } from "./events.ts";
export type { Model, Video, VideoRequest } from "./routes.ts";
export { verifyWebhook, type WebhookEvent, type WebhookToVerify } from "./webhook.ts";
