import type { ProblemCode } from "../problem.ts";

/** Explanations of the error codes for users: what is wrong and, where possible, what to do. */
export const MEANINGS: Readonly<Record<ProblemCode, string>> = {
  invalid_value: "A value that is not allowed; `param` names the field.",
  unknown_parameter: "A field that the API does not know; `param` names it.",
  unsupported_parameter: "A field that other services know and this one does not.",
  unsupported_variant: "The video has no output of this kind.",
  invalid_json: "The body is not JSON.",
  invalid_multipart: "The body is not a complete multipart form, or a field of it cannot be read.",
  invalid_webhook_url: "Webhooks go to public addresses, by `https://` or `http://`.",
  response_too_large: "The answer is too long to be sent; accept gzip, or request fewer items with `limit`.",
  invalid_api_key: "There is no key, or it is unknown or revoked.",
  invalid_signature:
    "The webhook was not signed with the trigger's secret, or not within the last 5 minutes.",
  not_found: "Nothing exists at this path or under this id, or it belongs to another tenant.",
  video_not_found: "There is no video with this id, or it belongs to another tenant.",
  method_not_allowed: "The path takes other methods; `Allow` lists them.",
  video_not_ready: "The video is not completed, so it has no outputs yet.",
  video_expired: "The outputs were deleted at the end of their retention time.",
  body_too_large: "The body is longer than this deployment allows.",
  unsupported_media_type: "Bodies are JSON or multipart forms.",
  idempotency_key_reused: "This `Idempotency-Key` was already used for a different request.",
  template_field_missing: "The payload lacks a field that the trigger's template names.",
  queue_full: "Too many of your videos are unfinished; `Retry-After` says when to try again.",
  internal_error: "The service failed; give the `request_id` when you report it.",
  not_supported: "A part of another service's API that this one does not have.",
  storage_unavailable: "The store did not answer; `Retry-After` says when to try again.",
};
