import * as z from "zod";
import { askedShape, atMost } from "../../../lib/generation/request/index.ts";
import { orderShape } from "../order-fields.ts";
import { withPeerFields } from "../peer-fields.ts";
import { pictureShape, pictureTemplateShape } from "../picture-fields.ts";

/**
 * Schema of a request for a video.
 *
 * @param promptCharactersMax maximum length of a prompt in this deployment
 */
export function videoCreateSchema(promptCharactersMax: number) {
  const shape = askedShape("create");
  return withPeerFields(
    z.strictObject({
      ...shape,
      prompt: atMost(shape.prompt, promptCharactersMax),
      ...pictureShape,
      ...orderShape("create"),
    }),
  );
}

export type VideoCreate = z.infer<ReturnType<typeof videoCreateSchema>>;

/** Schema of the fields that a trigger sets for all its videos. */
export const triggerVideoSchema = withPeerFields(
  z.strictObject({ ...askedShape("trigger"), ...pictureTemplateShape, ...orderShape("trigger") }),
);

/** Schema of a request for a video with the settings of an earlier video. */
export function remixSchema(promptCharactersMax: number) {
  const shape = askedShape("remix");
  return withPeerFields(
    z.strictObject({
      ...shape,
      prompt: atMost(shape.prompt, promptCharactersMax),
      ...orderShape("remix"),
    }),
  );
}
