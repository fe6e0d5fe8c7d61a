import type { Context } from "hono";
import { streamSSE } from "hono/streaming";
import type { JobRecord } from "../../../lib/service/jobs/index.ts";
import { reasonOf } from "../../../lib/shared/reason-of.ts";
import type { ApiDeps, ApiEnv } from "../env.ts";
import type { VideoAnswers } from "../video-answers.ts";
import { hold } from "./hold.ts";
import { knowsTheEnd } from "./news.ts";
import { streamReaders } from "./readers.ts";
import { teller } from "./teller.ts";
import { type Told, toldBy } from "./told.ts";

/** Answers of `GET /v1/videos/{id}/stream`. */
export interface VideoStreams {
  /**
   * Answers with a stream of what becomes of a video, from where the reader's last event id says.
   *
   * @param isAllowed returns whether the key of the request is still valid
   * @throws ApiError if there are too many streams
   */
  answer(c: Context<ApiEnv>, record: JobRecord, isAllowed: () => Promise<boolean>): Response;
}

/**
 * Time after which a reader comes again, where a stream is answered in turns. Progress is written every two seconds; a
 * place in the queue costs a listing, which is dearer: see docs/costs.md.
 */
export const TURN_MS = { queued: 5_000, running: 2_000 };

export function videoStreams(deps: ApiDeps, answers: VideoAnswers): VideoStreams {
  const { jobs, live, limits, stopping, log } = deps;
  const tells = teller(deps, answers);
  const readers = streamReaders(limits.streams, deps.onStreams);
  const open = new Set<AbortController>();
  stopping?.addEventListener("abort", () => {
    for (const leaving of open) leaving.abort();
  });

  /**
   * Answers with what is new, at once: an answer of a function at the edge is whole, and a second of waiting costs as
   * much as many more turns.
   */
  function turn(c: Context<ApiEnv>, record: JobRecord, told: Told | null): Response {
    return streamSSE(c, async (stream) => {
      await stream.write(`retry: ${record.status === "queued" ? TURN_MS.queued : TURN_MS.running}\n\n`);
      const send = (event: Parameters<typeof stream.writeSSE>[0]) => stream.writeSSE(event).then(() => true);
      // The reader comes again in any case, and goes on after the last event that it got.
      await tells.tell(record, told, send).catch((error: unknown) => tellFault(record, error));
    });
  }

  function held(
    c: Context<ApiEnv>,
    record: JobRecord,
    { told, isAllowed }: { readonly told: Told | null; readonly isAllowed: () => Promise<boolean> },
  ): Response {
    const leaving = new AbortController();
    const leave = () => leaving.abort();
    const exit = readers.enter(c.var.principal.keyId);
    open.add(leaving);
    c.req.raw.signal.addEventListener("abort", leave);
    if (stopping?.aborted) leave();
    return streamSSE(c, async (stream) => {
      stream.onAbort(leave);
      const reading = { stream, told, leave: leaving.signal, isAllowed };
      const holding = { jobs, live: live!, limits: limits.streams, teller: tells };
      const end = await hold(record, reading, holding).catch((error: unknown) => tellFault(record, error));
      exit();
      open.delete(leaving);
      c.req.raw.signal.removeEventListener("abort", leave);
      const hangUp = c.env?.hangUp ?? (() => undefined);
      // What was written last may still wait for a reader that takes nothing.
      if (end === "unread") hangUp();
      else setTimeout(hangUp, limits.streams.drainMs).unref();
      if (end === "unread") stream.abort();
    });
  }

  function tellFault({ id }: JobRecord, error: unknown): void {
    log.warn({ videoId: id, reason: reasonOf(error) }, "a stream was cut short");
  }

  return {
    answer(c, record, isAllowed) {
      const told = toldBy(c.req.header("last-event-id"), record.id);
      // The status after which a browser does not come again.
      if (knowsTheEnd(record, told)) return c.body(null, 204);
      // Proxies that collect answers are asked not to.
      c.header("x-accel-buffering", "no");
      if (c.req.raw.method === "HEAD") return c.body(null, 200, { "content-type": "text/event-stream" });
      return live ? held(c, record, { told, isAllowed }) : turn(c, record, told);
    },
  };
}
