import { planDeliveries, redeliver, withAttempt } from "../../../../lib/service/webhooks/index.ts";
import { pageView } from "../../views/page.ts";
import { eventsView, unixSeconds, videoView } from "../../views/video.ts";
import { type Deployment, type Examples, IDS, type OperationExamples } from "./example.ts";
import { SAMPLE_PROMPT, sampleJobs, sampleUrls } from "./sample-jobs.ts";
import { sampleQuote } from "./sample-quote.ts";
import { sampleStream } from "./sample-stream.ts";

const REMIX_PROMPT = "a green circle moves right over blue stripes";

/** Makes the examples of the operations on videos, by the id of the operation. */
export function videoExamples(deployment: Deployment): Readonly<Record<string, OperationExamples>> {
  const jobs = sampleJobs(deployment);
  const urls = sampleUrls(jobs.completed);
  const completed = { summary: "Completed", value: videoView(jobs.completed, { urls }) };
  const queued = { summary: "Queued", value: videoView(jobs.queued, { queuePosition: 0 }) };
  const running = { summary: "In progress", value: videoView(jobs.running) };
  const failed = { summary: "Failed", value: videoView(jobs.failed) };
  const cancelled = { summary: "Cancelled", value: videoView(jobs.cancelled) };
  const remixed = {
    ...jobs.queued,
    id: IDS.remix,
    params: { ...jobs.queued.params, prompt: REMIX_PROMPT },
    remixedFrom: IDS.video,
  };
  return {
    createVideo: {
      bodies: requests(deployment),
      answers: { queued, completed },
      wrong: { prompt: SAMPLE_PROMPT, timeout: 5 },
    },
    quoteVideo: {
      bodies: quoted(deployment),
      answers: {
        measured: { summary: "Measured", value: sampleQuote(jobs.queued, "measured") },
        unmeasured: { summary: "Nothing measured yet", value: sampleQuote(jobs.queued, "unmeasured") },
      },
      wrong: { prompt: SAMPLE_PROMPT, timeout: 5 },
    },
    listVideos: {
      query: "?limit=10",
      wrong: { limit: "1000" },
      answers: {
        page: {
          summary: "Two videos",
          value: pageView([videoView(remixed), videoView(jobs.completed)]),
        },
      },
    },
    getVideo: { answers: { completed, queued, running, failed } },
    deleteVideo: {
      answers: {
        deleted: { summary: "Deleted", value: { id: IDS.video, object: "video.deleted", deleted: true } },
      },
    },
    cancelVideo: { answers: { cancelled } },
    remixVideo: {
      bodies: { prompt: { summary: "A new prompt", value: { prompt: REMIX_PROMPT } } },
      answers: { queued: { summary: "Queued", value: videoView(remixed, { queuePosition: 0 }) } },
      wrong: { prompt: "" },
    },
    listVideoEvents: { answers: { delivered: { summary: "Delivered", value: sampleEvents(deployment) } } },
    redeliverVideoWebhooks: {
      bodies: { all: { summary: "All events", value: {} } },
      answers: { pending: { summary: "On its way again", value: sampleEvents(deployment, true) } },
      wrong: { event_id: 7 },
    },
    getVideoContent: {
      query: "?variant=video",
      wrong: { variant: "v".repeat(40) },
      answers: {
        url: {
          summary: "With redirect=false",
          value: { object: "video.content", url: urls.video, url_expires_at: unixSeconds(urls.expiresAt) },
        },
      },
    },
    streamVideo: {
      otherAnswers: { 200: { events: { summary: "Events", value: sampleStream(jobs.running) } } },
    },
    getVideoSchedule: { wrong: { width: "10" } },
  };
}

function quoted(deployment: Deployment): Examples {
  const { prompt, options } = requests(deployment);
  return { prompt: prompt!, options: options! };
}

function requests({ models }: Deployment): Examples {
  const [{ name, limits }] = models;
  const [width, height] = limits.sizes[0]!;
  const codebook = [{ below: 0.1, rate: 4 }, { below: 0.3, rate: 2 }, { rate: 1 }];
  return {
    prompt: { summary: "A prompt", value: { prompt: SAMPLE_PROMPT } },
    options: {
      summary: "More settings",
      value: {
        prompt: SAMPLE_PROMPT,
        model: name,
        size: `${width}x${height}`,
        seed: 1,
        cache: "fast",
        metadata: { order: "42" },
        webhook_url: "https://example.com/webhooks",
      },
    },
    promise: {
      summary: "A number of computed steps, and a forecast of what is reused",
      value: { prompt: SAMPLE_PROMPT, cache: { computed_steps: 12, forecast: true } },
    },
    deadline: {
      summary: "At most a minute",
      value: { prompt: SAMPLE_PROMPT, cache: { at_most: "60s" } },
    },
    lossless: {
      summary: "Every step, by another name",
      value: { prompt: SAMPLE_PROMPT, quality: "lossless" },
    },
    codebook: {
      summary: "Your own codebook",
      value: { prompt: SAMPLE_PROMPT, cache: { codebook } },
    },
    static: {
      summary: "Every third step, compared with no cache",
      value: { prompt: SAMPLE_PROMPT, cache: "static:3", compare: true },
    },
  };
}

/** Returns the events of the completed sample: the webhook of the last one was delivered at the second attempt. */
function sampleEvents(deployment: Deployment, isRedelivered = false) {
  const { completed } = sampleJobs(deployment);
  const now = completed.finishedAt!;
  const target = {
    id: IDS.webhookEndpoint,
    url: "https://example.com/webhooks",
    eventTypes: ["video.completed", "video.failed"] as const,
  };
  const events = planDeliveries(completed, [target], now).map((event) => ({
    ...event,
    deliveries: event.deliveries!.map((delivery) => {
      const refused = { ok: true, status: 503, retryAfterSeconds: null, milliseconds: 41 } as const;
      const accepted = { ok: true, status: 204, retryAfterSeconds: null, milliseconds: 38 } as const;
      const later = now + 5000;
      return withAttempt(withAttempt(delivery, refused, now, 0.5), accepted, later, 0.5);
    }),
  }));
  const record = { ...completed, events };
  return eventsView(isRedelivered ? { ...record, events: redeliver(record, null, now + 60_000)! } : record);
}
