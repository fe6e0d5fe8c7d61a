import type { ProblemCode } from "../problem.ts";

/** What each code tells whoever gets it: what was wrong, and what helps. */
export const MEANINGS: Readonly<Record<ProblemCode, string>> = {
  invalid_value: "A value that is not allowed; `param` names the field.",
  unknown_parameter: "A field that the API does not know; `param` names it.",
  unsupported_parameter: "A field that other services know and this one does not.",
  unsupported_variant: "The video has no output of this kind.",
  invalid_json: "The body is not JSON.",
  invalid_multipart: "The body is not a complete multipart form, or a field of it cannot be read.",
  invalid_webhook_url: "Webhooks go to public addresses, by `https://` or `http://`.",
  response_too_large: "The answer is longer than can be sent; accept gzip, or ask for fewer at once.",
  invalid_api_key: "There is no key, or it is unknown or revoked.",
  invalid_signature: "The webhook was not signed with the trigger's secret, or too long ago.",
  not_found: "There is nothing here, or nothing of yours.",
  video_not_found: "There is no such video, or it is not yours.",
  method_not_allowed: "The path takes other methods; `Allow` lists them.",
  video_not_ready: "The video is not completed, so it has no outputs yet.",
  video_expired: "The outputs were deleted after their time.",
  body_too_large: "The body is longer than this deployment allows.",
  unsupported_media_type: "Bodies are JSON or multipart forms.",
  idempotency_key_reused: "This `Idempotency-Key` came with another request before.",
  template_field_missing: "The payload lacks a field that the trigger's template names.",
  queue_full: "Too many of your videos are unfinished; `Retry-After` says when to try again.",
  internal_error: "The service failed; ask about it with the `request_id`.",
  not_supported: "A part of another service's API that this one does not have.",
  storage_unavailable: "The store did not answer; `Retry-After` says when to try again.",
};
