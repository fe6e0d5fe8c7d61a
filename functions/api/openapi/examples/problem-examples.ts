import { VARIANTS } from "../../../../lib/service/jobs/index.ts";
import { checkPictureUrl, checkWebhookUrl } from "../../../../lib/service/net/index.ts";
import { checkPicture } from "../../../../lib/service/pictures/index.ts";
import { fillTemplate, parseTemplate } from "../../../../lib/service/triggers/index.ts";
import { oneOf } from "../../../../lib/shared/sentences/index.ts";
import { notReady } from "../../content-url.ts";
import { filterUnfinished } from "../../list-videos.ts";
import { check } from "../../middleware/body.ts";
import { formToJson } from "../../middleware/form.ts";
import { FormFile } from "../../middleware/form-file.ts";
import { parseJson } from "../../middleware/parse-json.ts";
import { tooLargeSentence } from "../../middleware/read-body.ts";
import { adviceForPictures } from "../../pictures.ts";
import { ApiError, type ProblemCode, problemOf } from "../../problem.ts";
import { PAYLOAD_BYTES_MAX } from "../../routes/triggers.ts";
import { videoCreateSchema } from "../../schemas/video-request.ts";
import { limitReached, priceUnknown } from "../../spending-limit.ts";
import type { Operation } from "../operation.ts";
import { type Deployment, type Example, IDS, type OperationExamples, sampleId } from "./example.ts";

const REQUEST_ID = "7d5a3f0e-6c1b-4f5e-9a43-2f6f1f0c8e21";

/** Sentence of an error, the field that it blames, and the id to continue after. */
type Sentence = readonly [message: string, param?: string, after?: string];
type Sentences = Partial<Record<ProblemCode, Sentence>>;

/** Paths of errors that belong to no documented operation, where that is not the one of the videos. */
const PLACES: Partial<Record<ProblemCode, string>> = { not_supported: "/v1/videos/edits" };

/** Returns the usual sentences of errors. Tests provoke every one of them. */
function usual({ limits }: Deployment): Sentences {
  return {
    unsupported_variant: [`variant must be ${oneOf(VARIANTS)}.`, "variant"],
    invalid_json: cutJson("The body"),
    invalid_multipart: ["The body is not a complete multipart form in UTF-8."],
    unsupported_parameter: refusal("unsupported_parameter", () =>
      formToJson([["prompt", new FormFile(new Uint8Array(1))]], {}),
    ),
    invalid_webhook_url: privateUrl("webhook_url"),
    invalid_picture: [`input_reference ${faultOfText()}.`, "input_reference"],
    picture_unreachable: [
      "The picture cannot be fetched from example.com: it answered with the status 404.",
      "input_reference",
    ],
    response_too_large: ["The answer is longer than 1 MB: accept gzip, or request fewer items with limit."],
    filter_unfinished: [filterUnfinished(IDS.video).message, "after", IDS.video],
    invalid_api_key: ["Send a valid API key: Authorization: Bearer adr_..."],
    invalid_signature: [
      "There is no enabled trigger with this id and secret, or the webhook was signed at another time.",
    ],
    spending_limit_reached: [
      limitReached({ limitUsd: 20, leftUsd: 0.5, usd: 0.62, endsAt: Date.UTC(2026, 11, 1) }).message,
    ],
    price_unknown: [priceUnknown(20).message],
    video_not_found: ["There is no video with this id."],
    method_not_allowed: ["This path takes POST, GET and HEAD, not PUT."],
    video_not_ready: [notReady({ status: "queued", error: null }).message],
    video_failed: [notReady({ status: "cancelled", error: null }).message],
    video_expired: [
      "The video of this idempotency key was deleted after its time: choose a new key to make it again.",
    ],
    body_too_large: [`The body may have at most ${limits.bodyBytesMax} bytes.`],
    unsupported_media_type: [
      "The header Content-Type must be application/json, multipart/form-data or application/x-www-form-urlencoded, " +
        "not text/html.",
    ],
    idempotency_key_reused: ["This idempotency key was used for another request: choose a new one."],
    template_field_missing: missingField("/issue/title"),
    queue_full: [`This key has ${limits.unfinishedMax} unfinished videos: wait until one of them ends.`],
    too_many_streams: [
      "This key has as many open streams as it may have: close one of them, or poll instead.",
    ],
    secret_unavailable: [
      "The secret of this trigger cannot be opened: replace it, or ask the operator for the master key.",
    ],
    record_damaged: [
      "What is stored under this id cannot be read: delete it, or ask the operator to restore it.",
    ],
    not_supported: ["Videos are made from text and pictures; nothing else is supported."],
  };
}

/** Returns the sentences of an operation that differ from the usual ones. */
function own({ id, path }: Operation, deployment: Deployment): Sentences {
  const [, thing] = /^\/v1\/(webhook_endpoint|trigger|model)s\b/.exec(path) ?? [];
  const missing: Sentence = [`There is no ${thing?.replace("_", " ")} with this id.`];
  const payloadTooLarge: Sentence = [`The body may have at most ${PAYLOAD_BYTES_MAX} bytes.`];
  const { promptCharactersMax } = deployment.limits;
  const ofTrigger = privatePicture("video.input_reference");
  const sentences: Readonly<Record<string, Sentences>> = {
    getVideoContent: { video_expired: ["The outputs of this video were deleted after their time."] },
    createWebhookEndpoint: { invalid_webhook_url: privateUrl("url") },
    updateWebhookEndpoint: { invalid_webhook_url: privateUrl("url") },
    redeliverVideoWebhooks: { not_found: ["This video has no event with this id.", "event_id"] },
    createVideo: { body_too_large: [pictureTooLarge(deployment)] },
    quoteVideo: { body_too_large: [pictureTooLarge(deployment)] },
    remixVideo: {
      invalid_picture: ["The picture of that video was deleted: send it again.", "input_reference"],
    },
    createTrigger: { invalid_webhook_url: privateUrl("video.webhook_url"), invalid_picture: ofTrigger },
    updateTrigger: { invalid_webhook_url: privateUrl("video.webhook_url"), invalid_picture: ofTrigger },
    dryRunTrigger: { body_too_large: payloadTooLarge, invalid_picture: ofTrigger },
    invokeTrigger: {
      invalid_value: refusal("invalid_value", () =>
        check(videoCreateSchema(promptCharactersMax), { prompt: "a".repeat(promptCharactersMax + 1) }),
      ),
      invalid_json: cutJson("The payload"),
      unsupported_media_type: ["The header Content-Type must be application/json."],
      body_too_large: payloadTooLarge,
      invalid_picture: ofTrigger,
      picture_unreachable: [usual(deployment).picture_unreachable![0], "video.input_reference"],
    },
  };
  return { ...(thing && { not_found: missing }), ...sentences[id] };
}

/**
 * Makes an example of an error: the body that the API sends. The sentences about values are those by which the
 * operation's own schema refuses a wrong one.
 *
 * @param operation null for an error that belongs to no documented operation
 * @throws Error if there is no sentence for the error
 */
export function problemExample(
  code: ProblemCode,
  operation: Operation | null,
  { deployment, examples }: { readonly deployment: Deployment; readonly examples: OperationExamples },
): Example {
  const sentence =
    (operation && (own(operation, deployment)[code] ?? refusalOf(code, operation, examples))) ??
    usual(deployment)[code];
  const isOurs = code === "internal_error" || code === "storage_unavailable";
  if (!sentence && !isOurs) throw new Error(`The error ${code} of ${operation?.id} has no example.`);
  const [message = "", param, after] = sentence ?? [];
  const instance = operation
    ? operation.path.replace("{id}", sampleId(operation, deployment))
    : (PLACES[code] ?? "/v1/videos");
  const value = problemOf(new ApiError(code, message, { param, after }), instance, REQUEST_ID);
  return { summary: value.detail, value };
}

/** Refuses a wrong body or query by the operation's own schema; returns null for errors that are no such refusals. */
function refusalOf(
  code: ProblemCode,
  { body, query }: Operation,
  { bodies = {}, wrong }: OperationExamples,
): Sentence | null {
  const schema = body ?? query;
  if (!schema || !(code === "invalid_value" || code === "unknown_parameter")) return null;
  const right = Object.values(bodies)[0]?.value ?? {};
  const given = code === "unknown_parameter" ? { ...right, colour: "red" } : wrong;
  return refusal(code, () => check(schema, given));
}

function refusal(code: ProblemCode, attempt: () => unknown): Sentence {
  try {
    attempt();
  } catch (refused) {
    if (refused instanceof ApiError && refused.code === code)
      return refused.param === null ? [refused.message] : [refused.message, refused.param];
  }
  throw new Error(`The example of ${code} is not refused as such.`);
}

function cutJson(whole: string): Sentence {
  return refusal("invalid_json", () => parseJson(new TextEncoder().encode("{"), whole));
}

function privateUrl(param: string): Sentence {
  const checked = checkWebhookUrl("https://10.0.0.7/hook", { allowLoopback: false, blockedHosts: [] });
  return [checked.ok ? "" : checked.reason, param];
}

function privatePicture(param: string): Sentence {
  const checked = checkPictureUrl("https://10.0.0.7/picture.png", { allowLoopback: false, blockedHosts: [] });
  return [checked.ok ? "" : checked.reason, param];
}

/** Tells what is said of a text in place of a picture. */
function faultOfText(): string {
  const checked = checkPicture(new TextEncoder().encode("hello"));
  return checked.ok ? "" : checked.reason;
}

function pictureTooLarge({ limits: { pictureBodyBytesMax } }: Deployment): string {
  return tooLargeSentence(pictureBodyBytesMax, adviceForPictures(pictureBodyBytesMax));
}

function missingField(pointer: string): Sentence {
  const parsed = parseTemplate(`{{${pointer}}}`);
  const filled = parsed.ok ? fillTemplate(parsed.template, {}) : null;
  return [filled && !filled.ok ? filled.reason : "", pointer];
}
