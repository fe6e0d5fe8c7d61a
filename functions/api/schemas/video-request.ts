import * as z from "zod";
import { askedShape, atMost } from "../../../lib/generation/request/index.ts";
import { orderShape } from "../order-fields.ts";

/**
 * Schema of a request for a video.
 *
 * @param promptCharactersMax bound of the deployment
 */
export function videoCreateSchema(promptCharactersMax: number) {
  const shape = askedShape("create");
  return z.strictObject({
    ...shape,
    prompt: atMost(shape.prompt, promptCharactersMax),
    ...orderShape("create"),
  });
}

export type VideoCreate = z.infer<ReturnType<typeof videoCreateSchema>>;

/** Schema of what a trigger fixes of its videos. */
export const triggerVideoSchema = z.strictObject({ ...askedShape("trigger"), ...orderShape("trigger") });

/** Schema of a request for a video from another's settings. */
export function remixSchema(promptCharactersMax: number) {
  const shape = askedShape("remix");
  return z.strictObject({
    ...shape,
    prompt: atMost(shape.prompt, promptCharactersMax),
    ...orderShape("remix"),
  });
}
