import * as z from "zod";
import { isVideoId, type JobRef, jobOfKey } from "../jobs/index.ts";

const hintSchema = z.object({ tenant: z.string().min(1), id: z.string().refine(isVideoId) });

const eventSchema = z.object({
  Records: z.array(z.object({ s3: z.object({ object: z.object({ key: z.string() }) }) })),
});

/** What S3 sends when it is told where its events go. */
const testSchema = z.object({ Event: z.literal("s3:TestEvent") });

/** The body of a message that names a job. */
export function hintBody({ tenant, id }: JobRef): string {
  return JSON.stringify({ tenant, id });
}

/** A message that says nothing this program knows: it comes again until it lies with the dead letters. */
export class MessageError extends Error {
  override readonly name = "MessageError";
}

/**
 * The jobs that a message names: those of {@link hintBody}, or those whose objects an event of S3 tells of.
 *
 * @throws MessageError for a body that is neither
 * @see Amazon S3 user guide, "Event message structure"
 */
export function hintedJobs(body: string): JobRef[] {
  const message = parsedJson(body);
  const hint = hintSchema.safeParse(message);
  if (hint.success) return [hint.data];
  if (testSchema.safeParse(message).success) return [];
  const event = eventSchema.safeParse(message);
  if (!event.success) throw new MessageError("The message is neither a hint nor an event of the bucket.");
  return event.data.Records.flatMap(({ s3 }) => jobOfKey(decodedKey(s3.object.key)) ?? []);
}

/** Keys in events are encoded as forms are. */
function decodedKey(key: string): string {
  return new URLSearchParams(`key=${key}`).get("key")!;
}

/** Undefined, which no JSON is, for a text that is none. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
