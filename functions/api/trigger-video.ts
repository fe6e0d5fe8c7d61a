import {
  fillTemplate,
  parseTemplate,
  type Template,
  type TriggerFields,
} from "../../lib/service/triggers/index.ts";
import type { ApiDeps } from "./env.ts";
import { check } from "./middleware/body.ts";
import { webhookOf } from "./order-video.ts";
import { PICTURE_FIELDS, type PictureField, withPictureNames } from "./picture-fields.ts";
import { picturesOf } from "./pictures.ts";
import { ApiError } from "./problem.ts";
import { resolveVideo } from "./resolve-video.ts";
import { triggerVideoSchema, videoCreateSchema } from "./schemas/video-request.ts";

type Source = Pick<TriggerFields, "prompt" | "video">;

interface Filling {
  fill(template: Template): string;
  /** Fills a template that must come to a URL; that of `fill` by default. */
  fillUrl?(template: Template): string;
  readonly tenant: string;
}

/**
 * Fills a trigger's templates from a payload and returns the request for a video, its resolved parameters, its webhook
 * and the way to read its pictures. The result is the same as if the filled prompt had been sent to POST /v1/videos.
 *
 * @throws ApiError if the payload lacks a field that a template names, or if POST /v1/videos would refuse the request
 */
export function triggeredVideo(
  deps: ApiDeps,
  source: Source & { readonly tenant: string },
  payload: unknown,
) {
  return videoOf(deps, source, {
    tenant: source.tenant,
    fill(template) {
      const filled = fillTemplate(template, payload);
      if (filled.ok) return filled.text;
      throw new ApiError("template_field_missing", filled.reason, { param: filled.pointer });
    },
  });
}

/**
 * Checks the templates and settings of a trigger with the text `x` in place of every pointer, and with a whole address
 * in place of one that begins a URL. No picture is fetched.
 *
 * @throws ApiError if they are invalid whatever the payload
 */
export function rehearse(deps: ApiDeps, source: Source, tenant: string): void {
  const fill = (template: Template) =>
    template.map((part) => (typeof part === "string" ? part : "x")).join("");
  videoOf(deps, source, {
    tenant,
    fill,
    fillUrl: ([first = "", ...rest]) =>
      (typeof first === "string" ? first : "https://example.com/x") + fill(rest),
  });
}

function videoOf(deps: ApiDeps, { prompt, video }: Source, { fill, fillUrl = fill, tenant }: Filling) {
  const filled = (source: string, param: string, by = fill) => by(templateOf(source, param));
  const settings = inVideo(() => check(triggerVideoSchema, video));
  const pictureUrls = Object.keys(PICTURE_FIELDS).flatMap((name) => {
    const source = settings[name as PictureField];
    return source === undefined ? [] : [[name, filled(source, `video.${name}`, fillUrl)] as const];
  });
  const metadata = Object.entries(settings.metadata ?? {}).map(
    ([name, source]) => [name, filled(source, `video.metadata.${name}`)] as const,
  );
  const given = {
    ...settings,
    ...Object.fromEntries(pictureUrls),
    prompt: filled(prompt, "prompt"),
    metadata: Object.fromEntries(metadata),
  };
  return inVideo(() => {
    const request = check(videoCreateSchema(deps.limits.promptCharactersMax), given);
    const { read } = picturesOf(request, tenant, deps);
    return {
      request,
      pictures: read && (() => read().catch(throwInVideo)),
      params: resolveVideo(withPictureNames(request), deps),
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
    return throwInVideo(cause);
  }
}

function throwInVideo(cause: unknown): never {
  if (!(cause instanceof ApiError) || cause.param === null || cause.param === "prompt") throw cause;
  throw new ApiError(cause.code, cause.message, { param: `video.${cause.param}`, cause });
}
