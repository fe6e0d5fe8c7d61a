import type { JobError } from "../../../lib/service/jobs/index.ts";
import type { ProblemCode } from "../problem.ts";

/** Explanation of an error for users. */
interface Meaning {
  /** Sentence on what is wrong and, where possible, what to do. */
  readonly text: string;
  /** Sentence on when the same request is worth another try; null if it never is. */
  readonly retry: string | null;
}

const never = (text: string): Meaning => ({ text, retry: null });

/** Explanations of the error codes. */
export const MEANINGS: Readonly<Record<ProblemCode, Meaning>> = {
  invalid_value: never("A value that is not allowed; `param` names the field."),
  unknown_parameter: never("A field that the API does not know; `param` names it."),
  unsupported_parameter: never("A field that other services know and this one does not."),
  unsupported_variant: never("The video has no output of this kind."),
  invalid_json: never("The body is not JSON."),
  invalid_multipart: never(
    "The body is not a complete form, or a field of it can be read in no way or in two.",
  ),
  invalid_webhook_url: never(
    "Webhooks go to `https://` addresses on the public internet. A service on your own machine sends them to " +
      "this machine too, if it was started with `ALLOW_LOOPBACK_WEBHOOKS=1`.",
  ),
  invalid_picture: never(
    "A picture that cannot be used: pictures are PNG, JPEG, WebP, GIF, TIFF or AVIF files of at most 10 MiB and 50 million " +
      "pixels, and URLs of pictures lead to the public internet. What a picture is, its bytes say, whatever its name or type.",
  ),
  picture_unreachable: {
    text: "The picture cannot be fetched from the host of its URL; the message says why.",
    retry: "When the host gives the picture to everybody, without a login.",
  },
  response_too_large: never(
    "The answer is too long to be sent; accept gzip, or request fewer items with `limit`.",
  ),
  filter_unfinished: {
    text: "No video matches the filter so far, and not all have been looked at.",
    retry: "At once, `after` the id in `error.after`; the next videos are looked at then.",
  },
  invalid_api_key: never("There is no key, or it is unknown or revoked."),
  invalid_signature: never(
    "The webhook was not signed with the trigger's secret, or not within the last 5 minutes, or lacks a header.",
  ),
  spending_limit_reached: {
    text: "The API key may spend so much a day, and what is left does not cover what the video may cost at most.",
    retry:
      "When the day ends, in UTC, or when the key's videos under way have cost less than was set aside for them.",
  },
  price_unknown: never(
    "The API key may spend so much a day, and the service does not know what its machine costs: its operator sets " +
      "`PRICE_PER_HOUR`.",
  ),
  not_found: never("Nothing exists at this path or under this id, or it belongs to another tenant."),
  video_not_found: never("There is no video with this id, or it belongs to another tenant."),
  method_not_allowed: never("The path takes other methods; `Allow` lists them."),
  video_not_ready: {
    text: "The video is not completed, so it has no outputs yet.",
    retry: "Once its `status` is `completed`.",
  },
  video_failed: never("The video failed or was cancelled, so it never has outputs."),
  video_expired: never("The outputs were deleted at the end of their retention time, or with the video."),
  body_too_large: never("The body is longer than this deployment allows."),
  unsupported_media_type: never("Bodies are JSON or forms, without a content encoding."),
  idempotency_key_reused: never("This `Idempotency-Key` was already used for a different request."),
  template_field_missing: never("The payload lacks a field that the trigger's template names."),
  queue_full: {
    text: "Too many of your videos are unfinished.",
    retry: "After the seconds in `Retry-After`.",
  },
  too_many_streams: {
    text: "This key, or the service, has as many open streams as it may have.",
    retry: "After the seconds in `Retry-After`; until then, poll.",
  },
  internal_error: {
    text: "The service failed; give the `request_id` when you report it.",
    retry: "After a second, then less and less often; with an `Idempotency-Key` if it creates something.",
  },
  record_damaged: never(
    "What is stored under this id cannot be read. It can be deleted; the operator may have a copy to restore.",
  ),
  not_supported: never("A part of another service's API that this one does not have."),
  secret_unavailable: {
    text: "The secret of this trigger cannot be opened, because the service has another master key than before.",
    retry: "Once its operator has put the key back, or its owner has replaced the trigger's secret.",
  },
  storage_unavailable: {
    text: "The store did not answer.",
    retry: "After the seconds in `Retry-After`; with an `Idempotency-Key` if it creates something.",
  },
};

/** Explanations of the codes in a video's `error`, and when the same request is worth another try. */
export const FAILURES: Readonly<Record<JobError["code"], Meaning>> = {
  canceled: never("Somebody cancelled it."),
  deadline_exceeded: {
    text: "It was not finished within its `timeout`, or could not be any more and was not begun.",
    retry: "With a longer `timeout`, or when fewer videos wait.",
  },
  invalid_request: never("The model refused the request while it made the video."),
  input_lost: {
    text: "A picture that the video is made of was lost or damaged after the request.",
    retry: "With the picture, as a new request.",
  },
  out_of_memory: {
    text: "The video, or the model, does not fit into the memory of the machine.",
    retry: "With a smaller size or fewer frames.",
  },
  stalled: {
    text: "The model stopped making progress, and did so again in a second attempt.",
    retry: "Once; then the operator has to look at the machine.",
  },
  model_load_failed: {
    text: "The model could not be loaded; the operator has to look at it.",
    retry: "Once the operator has mended it.",
  },
  invalid_output: {
    text: "The model computed something that is no video.",
    retry: "With another seed.",
  },
  internal_error: { text: "The worker failed.", retry: "Once or twice." },
  worker_lost: { text: "Several workers stopped in the middle of it.", retry: "Later." },
  upload_failed: { text: "The finished video could not be stored.", retry: "Later." },
  signing_failed: {
    text: "The finished video could not be signed, and the deployment stores none without a signature.",
    retry: "Later.",
  },
};
