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
 * The request for a video that a trigger makes of a payload, and what is resolved from it: the same as if the prompt
 * had been sent to POST /v1/videos.
 *
 * @throws ApiError where the payload lacks something, or the request is one that would be refused there
 */
export function triggeredVideo(deps: ApiDeps, source: Source, payload: unknown) {
  return videoOf(deps, source, (template) => {
    const filled = fillTemplate(template, payload);
    if (filled.ok) return filled.text;
    throw new ApiError("template_field_missing", filled.reason, { param: filled.pointer });
  });
}

/** @throws ApiError for templates and settings that no payload could make a video of */
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
  throw new ApiError("invalid_value", `${param}: ${parsed.reason}`, { param });
}

/** What is a field of a request for a video is one of `video` in a trigger, all but the prompt. */
function inVideo<R>(make: () => R): R {
  try {
    return make();
  } catch (cause) {
    if (!(cause instanceof ApiError) || cause.param === null || cause.param === "prompt") throw cause;
    throw new ApiError(cause.code, cause.message, { param: `video.${cause.param}`, cause });
  }
}
