import { Hono } from "hono";
import * as z from "zod";
import type { ApiDeps, ApiEnv } from "../env.ts";
import { operation } from "../openapi/operation.ts";
import { videoStreams } from "../stream/video-streams.ts";
import type { VideoAnswers } from "../video-answers.ts";

const LAST_EVENT_ID = {
  "Last-Event-ID": z
    .string()
    .describe(
      "`id` of the last event that was read, after which the stream goes on; browsers send it themselves.",
    ),
};

/** Route of the events of one video. */
export function videoStreamRoute(deps: ApiDeps, answers: VideoAnswers) {
  const streams = videoStreams(deps, answers);
  return new Hono<ApiEnv>().get(
    "/:id/stream",
    operation({
      id: "streamVideo",
      tag: "Videos",
      summary: "Watch a video being made",
      description:
        "Server-Sent Events until it has ended: `status` with the video, first, at each change and last; `progress` with the " +
        "steps since, computed or reused; `preview` with a small picture of what it becomes; `deleted`. The stream is one of " +
        "states: a slow reader gets fewer of them.",
      headers: LAST_EVENT_ID,
      responses: {
        200: { text: "Events, with JSON as their data.", mediaType: "text/event-stream" },
        204: { text: "The end was told already: there is nothing more to come." },
      },
      problems: ["video_not_found", "record_damaged", "too_many_streams"],
    }),
    async (c) => {
      const record = await answers.find(c.var.principal.tenant, c.req.param("id"));
      const key = c.req.header("authorization")!.split(/ +/)[1]!;
      return streams.answer(c, record, async () => (await deps.keys.authenticate(key)) !== null);
    },
  );
}
