/** @jsxImportSource hono/jsx */
import type { ApiDeps } from "../../env.ts";
import { SAMPLE_PROMPT } from "../../openapi/examples/sample-jobs.ts";
import { TRIGGERS_MAX } from "../../routes/triggers.ts";
import { WAIT_SECONDS_MAX } from "../../routes/video-order.ts";
import { ENDPOINTS_MAX } from "../../routes/webhook-endpoints.ts";
import type { ReferencePage } from "./page.ts";
import { PAGES_OF_VIDEOS } from "./paging.ts";
import { P, Programs, Table } from "./parts.tsx";
import { programsOf } from "./programs.ts";

const DAY_MS = 24 * 3_600_000;

/** Page on what all requests have in common. */
export function requestsPage({ limits, retentionMs }: ApiDeps): ReferencePage {
  return {
    path: "/docs/requests",
    title: "Requests",
    lead: "How every request is authenticated, repeated safely, waited for and limited.",
    sections: [
      {
        id: "authentication",
        title: "Authentication",
        kind: "guide",
        words: "api key bearer token tenant revoke",
        content: (
          <>
            <P>
              Send your key with every request: `Authorization: Bearer adr_…`. A few operations need no key
              and say so. A key belongs to a tenant, and reaches the videos, webhooks and triggers of that
              tenant alone: an id of another tenant is answered like an id that does not exist.
            </P>
            <P>
              The service makes a key at its first start; `npm run keys -- create` makes another, and `npm run
              keys -- revoke` takes one back. Keep keys on servers: whoever reads a page can read the key in
              it.
            </P>
          </>
        ),
      },
      {
        id: "bodies",
        title: "Bodies",
        kind: "guide",
        words: "json multipart form content type unknown field case",
        content: (
          <>
            <P>
              Bodies are `application/json`, or `multipart/form-data` with the same fields:
              `metadata[order]=42` sets a member, `webhook_events[]=video.failed` appends to a list, and JSON
              in a field is read as JSON. Both mean exactly the same.
            </P>
            <P>
              A field that the API does not know is refused by name, so a typing error cannot go unnoticed.
              New fields may be added to answers at any time: ignore those you do not know. Times are whole
              seconds since 1970.
            </P>
          </>
        ),
      },
      {
        id: "waiting",
        title: "Wait for a video",
        kind: "guide",
        words: "prefer wait poll polling long polling progress",
        content: (
          <>
            <P>
              {`A video is made in the background. Three ways lead to the finished one, and they can be mixed:`}
            </P>
            <ul>
              <li>
                <P>
                  {`\`Prefer: wait=n\` holds the answer back until the video is over, or for n seconds, ${WAIT_SECONDS_MAX} at most. Then \`status\` tells which of the two it was, and \`Preference-Applied\` for how long.`}
                </P>
              </li>
              <li>
                <P>
                  Ask again: [get the video](/docs/videos#getVideo) once a second, or with `Prefer: wait=25`
                  again and again. `progress` goes from 0 to 100, `stage` and `steps_done` say what happens.
                </P>
              </li>
              <li>
                <P>
                  Be told: give a `webhook_url` with the request, or [register an
                  endpoint](/docs/webhooks#recipe).
                </P>
              </li>
            </ul>
          </>
        ),
      },
      {
        id: "idempotency",
        title: "Repeat a request safely",
        kind: "guide",
        words: "idempotency key idempotent replay retry duplicate",
        content: (
          <>
            <P>
              A connection may break after the service has accepted a request. Send an `Idempotency-Key` of
              your own, 1 to 255 printable ASCII characters such as the number of an order: all requests that
              carry it within 24 hours make one video, and all are answered with it. A repeated answer has the
              header `Idempotent-Replayed: true`.
            </P>
            <P>
              The key belongs to the request: with another body it is refused as
              [idempotency_key_reused](/docs/errors#error-idempotency_key_reused). Create and remix take keys;
              reading, cancelling and deleting can be repeated as they are.
            </P>
            <Programs
              label="A request that can be repeated"
              programs={programsOf({
                method: "post",
                path: "/v1/videos",
                headers: { "Idempotency-Key": "order-42" },
                body: { prompt: SAMPLE_PROMPT },
              })}
            />
          </>
        ),
      },
      {
        id: "retries",
        title: "Retry",
        kind: "guide",
        words: "retry-after x-should-retry backoff rate limit",
        content: (
          <P>
            Try again after 429, 500 and 503, and when no answer came; wait for the seconds in `Retry-After`
            where it is given, otherwise a second, then two, four and so on. Every other error needs a changed
            request: see [errors](/docs/errors#retry). Where a retry is pointless although its status suggests
            one, the answer says `x-should-retry: false`, which the OpenAI SDKs obey.
          </P>
        ),
      },
      {
        id: "limits",
        title: "Limits",
        kind: "guide",
        words: "rate limit queue quota maximum size retention concurrency",
        content: (
          <>
            <P>
              There is no limit of requests in a minute. The number of your videos that wait or are being made
              is limited: one more is refused with [queue_full](/docs/errors#error-queue_full).
            </P>
            <Table
              head={["What", "At most"]}
              rows={[
                ["Unfinished videos of a key", number(limits.unfinishedMax)],
                ["Characters of a prompt", number(limits.promptCharactersMax)],
                ["Bytes of a body", number(limits.bodyBytesMax)],
                ["Width x height x frames x steps of a video", number(limits.pixelStepsMax)],
                ["Days for which videos are kept", number(retentionMs / DAY_MS)],
                ["Validity of a signed URL", "1 hour"],
                ["Webhook endpoints", number(ENDPOINTS_MAX)],
                ["Triggers", number(TRIGGERS_MAX)],
              ]}
            />
          </>
        ),
      },
      {
        id: "pagination",
        title: "Lists",
        kind: "guide",
        words: "pagination page cursor after limit has_more filter metadata",
        content: (
          <>
            <P>
              Lists begin with the newest. `limit` is 1 to 100 videos, 20 when left out. While `has_more` is
              true, the next page is the one `after` the `last_id` of this one. Filter by `status`, and by
              your own `metadata[key]=value`. Signed URLs are not in lists: get the video.
            </P>
            <Programs label="All videos, page by page" programs={PAGES_OF_VIDEOS} />
          </>
        ),
      },
      {
        id: "headers",
        title: "Headers of answers",
        kind: "guide",
        words: "x-request-id retry-after location",
        content: (
          <Table
            head={["Header", "Meaning"]}
            rows={[
              ["`X-Request-Id`", "Id of the request; give it when you report a failure."],
              ["`Retry-After`", "Seconds to wait before the next try, with 429 and 503."],
              ["`Preference-Applied`", "`wait=n`: for how long the answer was held back at most."],
              [
                "`Idempotent-Replayed`",
                "`true`: the video was made by an earlier request with the same key.",
              ],
              ["`OpenAI-Poll-After-Ms`", "Milliseconds after which to ask for an unfinished video again."],
              ["`X-Should-Retry`", "`false`: the same request will fail again."],
            ]}
          />
        ),
      },
      {
        id: "browsers",
        title: "From a browser",
        kind: "guide",
        words: "cors origin fetch",
        content: (
          <P>
            Pages of every origin may call the API (CORS), and it ignores cookies. Do it on pages for yourself
            only, such as internal tools: a key in a public page is everybody's key.
          </P>
        ),
      },
    ],
  };
}

const number = (value: number) => value.toLocaleString("en-US");
