export {
  type PostFailure,
  type PostOptions,
  type PostResult,
  postGuarded,
  type Resolve,
} from "./guarded-request.ts";
export { isLoopbackAddress, isPublicAddress } from "./public-address.ts";
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
export { type CheckedUrl, checkWebhookUrl, type UrlRules } from "./webhook-url.ts";
