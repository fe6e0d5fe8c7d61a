export type { Resolve } from "./guarded-exchange.ts";
export { type Fetched, type FetchOptions, fetchGuarded } from "./guarded-fetch.ts";
export { type PostFailure, type PostOptions, type PostResult, postGuarded } from "./guarded-request.ts";
export { isLoopbackAddress, isPublicAddress } from "./public-address.ts";
export { type CheckedUrl, checkPictureUrl, checkWebhookUrl, type UrlRules } from "./user-url.ts";
export {
  missingWebhookHeaders,
  type ParsedSecret,
  parseWebhookSecret,
  signWebhook,
  TOLERANCE_SECONDS,
  type VerifiedWebhook,
  verifyGithubSignature,
  verifyWebhook,
  type WebhookToSign,
  type WebhookToVerify,
} from "./webhook-signature.ts";
