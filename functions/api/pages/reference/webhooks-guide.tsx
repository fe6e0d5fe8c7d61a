/** @jsxImportSource hono/jsx */
import { EVENT_TYPES } from "../../../../lib/service/jobs/index.ts";
import {
  eventBody,
  JITTER,
  RETRY_AFTER_SECONDS_MAX,
  WAITS_SECONDS,
} from "../../../../lib/service/webhooks/index.ts";
import type { Deployment } from "../../openapi/examples/example.ts";
import { sampleJobs } from "../../openapi/examples/sample-jobs.ts";
import { json } from "./literal.ts";
import type { Section } from "./page.ts";
import { P, Programs, Sample, Table } from "./parts.tsx";
import { LIBRARIES, RECEIVERS } from "./receivers.ts";

/** Sections on how to receive webhooks. */
export function webhooksGuide(deployment: Deployment): Section[] {
  return [
    {
      id: "recipe",
      title: "Receive webhooks",
      kind: "guide",
      words: "register endpoint webhook_url local loopback test recipe",
      content: (
        <>
          <P>
            A webhook tells your server that something happened to a video. They follow [Standard
            Webhooks](https://www.standardwebhooks.com), so any library for it verifies them.
          </P>
          <ol>
            <li>
              <P>
                [Register your URL](#createWebhookEndpoint), for all your videos, and keep the
                `signing_secret` of the answer: it is shown this once. For single videos give a `webhook_url`
                with the request; those are signed with [another secret](#getWebhookSecret).
              </P>
            </li>
            <li>
              <P>
                Put the secret into the environment as `WEBHOOK_SECRET`, and run a receiver such as one of
                those below.
              </P>
            </li>
            <li>
              <P>[Send a test event](#testWebhookEndpoint). The answer says what your server answered.</P>
            </li>
          </ol>
          <P>
            The URL has to be `https://` on the public internet. To try it on one machine, start the service
            with `ALLOW_LOOPBACK_WEBHOOKS=1` and register `http://127.0.0.1:8080`.
          </P>
        </>
      ),
    },
    {
      id: "verify",
      title: "Verify",
      kind: "guide",
      words: "signature hmac webhook-id webhook-timestamp webhook-signature whsec secret standard webhooks",
      content: (
        <>
          <P>
            Anybody can post to your URL, so check the signature. `webhook-signature` is `v1,` and the base64
            of HMAC-SHA256 over `id.timestamp.body`, with the bytes after `whsec_` as the key. Refuse times
            that are more than five minutes away. These receivers are complete, and need no library:
          </P>
          <Programs label="A complete receiver" programs={RECEIVERS} />
          <P>With a library, the check is one call:</P>
          <Programs label="Verify with a library" programs={LIBRARIES} />
          <P>
            When you [replace the secret](#rotateWebhookSecret), the old one can go on for 24 hours: meanwhile
            each webhook has two signatures, separated by a space.
          </P>
        </>
      ),
    },
    {
      id: "event",
      title: "The event",
      kind: "guide",
      words: `event types payload body ${EVENT_TYPES.join(" ")}`,
      content: (
        <>
          <P>
            {`The types are ${EVENT_TYPES.map((type) => `\`${type}\``).join(", ")}. The body has no signed URL, because it would expire before the last retry: get the video for one.`}
          </P>
          <Sample title="video.completed">{sampleEvent(deployment)}</Sample>
        </>
      ),
    },
    {
      id: "delivery",
      title: "Delivery and retries",
      kind: "guide",
      words: "retry schedule backoff 410 retry-after redeliver idempotency duplicate order timeout",
      content: (
        <>
          <P>
            {`Any answer from 200 to 299 within 15 seconds settles a webhook. After any other, and after none, it is sent again with the same \`webhook-id\` and the same bytes, ${WAITS_SECONDS.length} times in all:`}
          </P>
          <Table
            head={["Attempt", "After the one before", "Since the event"]}
            rows={WAITS_SECONDS.map((wait, index) => [
              String(index + 1),
              index === 0 ? "at once" : duration(wait),
              index === 0 ? "" : duration(WAITS_SECONDS.slice(0, index + 1).reduce((a, b) => a + b, 0)),
            ])}
          />
          <ul>
            <li>
              <P>
                {`Each wait is shortened or lengthened by up to ${JITTER * 100} %. \`Retry-After\` of your answer makes it longer, up to ${duration(RETRY_AFTER_SECONDS_MAX)}.`}
              </P>
            </li>
            <li>
              <P>
                410 says that the URL is gone for good: the endpoint is switched off, until it gets another
                URL. A redirect is not followed; it counts as a failure.
              </P>
            </li>
            <li>
              <P>
                The same event may come twice, and events may come in another order than they happened.
                Remember the ids of the events that you have acted on, and store an event before you answer.
              </P>
            </li>
            <li>
              <P>
                [The events of a video](/docs/videos#listVideoEvents) list every attempt and what your server
                answered; [deliver again](#redeliverVideoWebhooks) starts over, also after the last attempt.
              </P>
            </li>
          </ul>
        </>
      ),
    },
  ];
}

function sampleEvent(deployment: Deployment): string {
  const { completed } = sampleJobs(deployment);
  const event = completed.events.find(({ type }) => type === "video.completed")!;
  return json(JSON.parse(eventBody(completed, event)));
}

function duration(seconds: number): string {
  const units = [
    [3600, "hour"],
    [60, "minute"],
    [1, "second"],
  ] as const;
  const [size, unit] = units.find(([least]) => seconds >= least) ?? [1, "second"];
  const count = Number((seconds / size).toFixed(unit === "hour" ? 1 : 0));
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
