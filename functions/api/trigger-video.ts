import {
  fillTemplate,
  parseTemplate,
  type Template,
  type TriggerFields,
} from "../../lib/service/triggers/index.ts";
import type { ApiDeps } from "./env.ts";
import { check } from "./middleware/body.ts";
import { webhookOf } from "./order-video.ts";
import { ApiError } from "./problem.ts";
import { resolveVideo } from "./resolve-video.ts";
import { triggerVideoSchema, videoCreateSchema } from "./schemas/video-request.ts";

type Source = Pick<TriggerFields, "prompt" | "video">;
type Fill = (template: Template) => string;

/**
 * Fills a trigger's templates from a payload and returns the request for a video, its resolved parameters and its
 * webhook. The result is the same as if the filled prompt had been sent to POST /v1/videos.
 *
 * @throws ApiError if the payload lacks a field that a template names, or if POST /v1/videos would refuse the request
 */
export function triggeredVideo(deps: ApiDeps, source: Source, payload: unknown) {
  return videoOf(deps, source, (template) => {
    const filled = fillTemplate(template, payload);
    if (filled.ok) return filled.text;
    throw new ApiError("template_field_missing", filled.reason, { param: filled.pointer });
  });
}

/**
 * Checks the templates and settings of a trigger with the text `x` in place of every pointer.
 *
 * @throws ApiError if they are invalid whatever the payload
 */
export function rehearse(deps: ApiDeps, source: Source): void {
  videoOf(deps, source, (template) =>
    template.map((part) => (typeof part === "string" ? part : "x")).join(""),
  );
}

function videoOf(deps: ApiDeps, { prompt, video }: Source, fill: Fill) {
  const filled = (source: string, param: string) => fill(templateOf(source, param));
  const settings = inVideo(() => check(triggerVideoSchema, video));
  const metadata = Object.entries(settings.metadata ?? {}).map(
    ([name, source]) => [name, filled(source, `video.metadata.${name}`)] as const,
  );
  const given = { ...settings, prompt: filled(prompt, "prompt"), metadata: Object.fromEntries(metadata) };
  return inVideo(() => {
    const request = check(videoCreateSchema(deps.limits.promptCharactersMax), given);
    return {
      request,
      params: resolveVideo(request, deps),
      webhook: webhookOf(deps, request),
    };
  });
}

function templateOf(source: string, param: string): Template {
  const parsed = parseTemplate(source);
  if (parsed.ok) return parsed.template;
  throw new ApiError("invalid_value", parsed.reason, { param });
}

/** Puts `video.` before the field that an error names, because a trigger has all fields but the prompt in `video`. */
function inVideo<R>(make: () => R): R {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.param === null || cause.param === "prompt") throw cause;
    throw new ApiError(cause.code, cause.message, { param: `video.${cause.param}`, cause });
  }
}
