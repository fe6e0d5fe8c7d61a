import * as z from "zod";
import type { JobRecord } from "../../lib/service/jobs/index.ts";
import { wordings } from "../../lib/shared/sentences/index.ts";
import { type FormFile, formFile } from "./middleware/form-file.ts";

/**
 * Fields of requests that give pictures, with the parameters that they stand for. A parameter is the path of a picture
 * where the video is made; the resolved request of a job has the name of the field in its place, and the job's `inputs`
 * has the picture under that name.
 */
export const PICTURE_FIELDS = { input_reference: "image", last_image: "last_image" } as const;

export type PictureField = keyof typeof PICTURE_FIELDS;

const names = Object.keys(PICTURE_FIELDS) as PictureField[];

/** Picture as a request gives it. */
export type AskedPicture = string | { readonly image_url: string } | { readonly video_id: string } | FormFile;

export type AskedPictures = { readonly [Name in PictureField]?: AskedPicture | undefined };

const TEXTS: Readonly<Record<PictureField, string>> = {
  input_reference:
    "The picture that the video begins with, for models with `takes_image`, cropped to its centre: a file of a form, an " +
    "`https://` or `data:` URL, or `video_id` for the picture of an earlier video.",
  last_image:
    "The picture that the video ends with, for models with `takes_last_image`: as `input_reference`.",
};

const TEMPLATE_TEXT = "A template that must come to the URL of a picture; see POST /v1/videos.";

const TEMPLATE_CHARACTERS_MAX = 4000;

const IS_PICTURE = 'a picture: a file of a form, its URL, or {"image_url": its URL}';

const urlText = z.string().min(1);

const picture = z
  .union([
    urlText,
    z.strictObject({ image_url: urlText }),
    z.strictObject({ video_id: z.string().min(1).max(64) }),
    formFile,
  ])
  .register(wordings, { is: IS_PICTURE });

const template = z
  .string()
  .min(1)
  .max(TEMPLATE_CHARACTERS_MAX)
  .register(wordings, { is: "a template of a URL, such as {{/picture/url}}" });

function shapeOf<Schema extends z.ZodType>(schema: Schema, textOf: (name: PictureField) => string) {
  return Object.fromEntries(
    names.map((name) => [name, schema.optional().describe(textOf(name))]),
  ) as unknown as Readonly<Record<PictureField, z.ZodOptional<Schema>>>;
}

/** Schemas of these fields in a request for a video. */
export const pictureShape = shapeOf(picture, (name) => TEXTS[name]);

/** Schemas of these fields in a trigger, whose templates come to URLs. */
export const pictureTemplateShape = shapeOf(template, () => TEMPLATE_TEXT);

const told = z.object({
  type: z.string().describe("Media type, told from the bytes."),
  width: z.int().describe("Pixels as they are stored, before the orientation of a photograph is applied."),
  height: z.int(),
  bytes: z.int(),
  sha256: z.string(),
});

/** Schemas of these fields as members of `params` in the API's answers. */
export const toldPictureShape = Object.fromEntries(
  names.map((name) => [name, told.nullable().describe("The picture that was given.")]),
) as unknown as Readonly<Record<PictureField, z.ZodNullable<typeof told>>>;

/** Returns the values of these fields as members of `params` in the API's answers. */
export function toldPictures({ inputs }: Pick<JobRecord, "inputs">) {
  const values = names.map((name) => {
    const input = inputs[name];
    if (!input) return [name, null] as const;
    const { contentType: type, width, height, bytes, sha256 } = input;
    return [name, { type, width, height, bytes, sha256 }] as const;
  });
  return Object.fromEntries(values) as Record<PictureField, z.output<typeof told> | null>;
}

/** Replaces the pictures of a request by their names, as the parameters that they stand for. */
export function withPictureNames<Request extends AskedPictures>(request: Request) {
  const { input_reference: _, last_image: __, ...others } = request;
  const given = names.filter((name) => request[name] !== undefined);
  return { ...others, ...Object.fromEntries(given.map((name) => [PICTURE_FIELDS[name], name])) } as Omit<
    Request,
    PictureField
  > & { readonly image?: string; readonly last_image?: string };
}

/** Returns the name under which the API takes a parameter. */
export function askedName(parameter: string): string {
  return names.find((name) => PICTURE_FIELDS[name] === parameter) ?? parameter;
}
