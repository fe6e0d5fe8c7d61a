import * as z from "zod";
import { askedShape, atMost, REQUEST_CONTROLS } from "../../../lib/generation/request/index.ts";
import type { ApiDeps } from "../env.ts";
import { PICTURE_FIELDS, type PictureField, pictureShape } from "../picture-fields.ts";

/** Parameters of a video that a person sets in the playground, but for what the cache does, and some in other words. */
const OFFERED: readonly string[] = [
  ...REQUEST_CONTROLS.filter(({ kind }) => kind.name !== "cache" && kind.name !== "switch").map(
    ({ parameter }) => parameter,
  ),
  "seconds",
  "quality",
  "loras",
];

/** Arguments by which a tool is told of a video: a part of what `POST /v1/videos` takes, under the same names. */
export function videoArguments({ limits, models }: Pick<ApiDeps, "limits" | "models">) {
  const shape = askedShape("create");
  const offered = Object.entries(shape).filter(([name]) => OFFERED.includes(name));
  const takesImage = models.some(({ limits }) => limits.takes_image);
  return z.strictObject({
    ...Object.fromEntries<z.ZodType>(offered),
    prompt: atMost(shape.prompt, limits.promptCharactersMax),
    ...(takesImage ? pictureUrls() : {}),
  });
}

/** Schemas of pictures as URLs: a call of a tool has no files. */
function pictureUrls(): Readonly<Record<string, z.ZodType>> {
  const names = Object.keys(PICTURE_FIELDS) as PictureField[];
  return Object.fromEntries(
    names.map((name) => [
      name,
      z
        .string()
        .min(1)
        .optional()
        .describe(pictureShape[name].description ?? ""),
    ]),
  );
}
