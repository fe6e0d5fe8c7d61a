import * as z from "zod";
import { isVideoId, type JobRef, jobOfKey } from "../jobs/index.ts";

/** Job that a message names, and the receiver of webhooks if the message is about one. */
export interface Hinted extends JobRef {
  readonly receiver?: string | undefined;
}

const hintSchema = z.object({
  tenant: z.string().min(1),
  id: z.string().refine(isVideoId),
  receiver: z.string().optional(),
});

const eventSchema = z.object({
  Records: z.array(z.object({ s3: z.object({ object: z.object({ key: z.string() }) }) })),
});

/** Test message that S3 sends when a destination of its events is configured. */
const testSchema = z.object({ Event: z.literal("s3:TestEvent") });

/** Returns the body of a hint, the message that names a job. */
export function hintBody({ tenant, id, receiver }: Hinted): string {
  return JSON.stringify({ tenant, id, receiver });
}

/** Error of a message that cannot be parsed. SQS delivers it again, and finally moves it to the dead-letter queue. */
export class MessageError extends Error {
  override readonly name = "MessageError";
}

/**
 * Returns the jobs that a message names: a hint of {@link hintBody}, or an S3 event about objects of jobs.
 *
 * @throws MessageError if the body is neither
 * @see Amazon S3 user guide, "Event message structure"
 */
export function hintedJobs(body: string): Hinted[] {
  const message = parsedJson(body);
  const hint = hintSchema.safeParse(message);
  if (hint.success) return [hint.data];
  if (testSchema.safeParse(message).success) return [];
  const event = eventSchema.safeParse(message);
  if (!event.success) throw new MessageError("The message is neither a hint nor an event of the bucket.");
  return event.data.Records.flatMap(({ s3 }) => jobOfKey(decodedKey(s3.object.key)) ?? []);
}

/** Decodes a key of an S3 event, which is form-encoded. */
function decodedKey(key: string): string {
  return new URLSearchParams(`key=${key}`).get("key")!;
}

/** Parses JSON; undefined, which is no JSON value, if the text is not JSON. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
