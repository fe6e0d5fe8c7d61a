import { hc } from "hono/client";
import type { Api } from "./api.ts";
import { AdareelError, errorOf } from "./error.ts";
import { messagesOf, type VideoEvent } from "./events.ts";
import { pause } from "./pause.ts";
import { retrying } from "./retry.ts";
import type { Routes, Video, VideoRequest } from "./routes.ts";

export interface ClientOptions {
  /** Replaces the global `fetch`. */
  readonly fetch?: typeof fetch;
}

export interface CreateOptions {
  /** Key by which repetitions of this request make one video; drawn when left out. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

export interface WaitOptions {
  /** Is told of the video whenever something about it has changed. */
  readonly onChange?: (video: Video) => void;
  /** Ends the wait, not the video. */
  readonly signal?: AbortSignal;
}

export interface ContentOptions {
  /** The MP4, a picture of it, or what `compare` made without cache. */
  readonly variant?: "video" | "thumbnail" | "uncached";
  readonly signal?: AbortSignal;
}

/** Client of the API. Every method throws `AdareelError` for what the service refuses. */
export interface AdareelClient {
  /** Every route, with its request and its answers typed; answers are those of `fetch`. */
  readonly v1: Routes;
  /** Queues a video. It is sent again after a broken connection, and still makes one video. */
  create(request: VideoRequest, options?: CreateOptions): Promise<Video>;
  /** Waits until a video is over, and returns it: its status is then `completed` or `failed`. */
  wait(id: string, options?: WaitOptions): Promise<Video>;
  /**
   * Tells what becomes of a video until it is over: its status, its steps, and small pictures of it. A connection that
   * breaks is taken up where it ended.
   */
  watch(id: string, options?: { readonly signal?: AbortSignal }): AsyncGenerator<VideoEvent>;
  /** Cancels a video; one that is over stays as it is. */
  cancel(id: string): Promise<Video>;
  /** Downloads a video. The key is not sent to the store of the files. */
  content(id: string, options?: ContentOptions): Promise<Response>;
}

/** Longest wait that the service is asked for in one request. */
const WAIT_SECONDS = 25;
/** Pause between two requests, where the service names none. */
const POLL_MS = 1000;

/**
 * Creates a typed client of the API.
 *
 * @param baseUrl  URL of the API, without `/v1`
 *
 * @example
 * const adareel = adareelClient(process.env.ADAREEL_URL!, process.env.ADAREEL_API_KEY!);
 * const { id } = await adareel.create({ prompt: "a red circle moves to the left" });
 * const video = await adareel.wait(id);
 * if (video.status === "failed") throw new Error(video.error?.message);
 * const mp4 = await (await adareel.content(id)).arrayBuffer();
 */
export function adareelClient(
  baseUrl: string,
  apiKey: string,
  { fetch: own = (input, init) => fetch(input, init) }: ClientOptions = {},
): AdareelClient {
  const send = retrying(own);
  const { v1 } = hc<Api>(baseUrl, { headers: { authorization: `Bearer ${apiKey}` }, fetch: send });
  const { videos } = v1;

  async function* watch(id: string, { signal }: { readonly signal?: AbortSignal | undefined } = {}) {
    let last = "";
    for (;;) {
      const headers = last === "" ? {} : { "last-event-id": last };
      const answer = await videos[":id"].stream.$get({ param: { id } }, { headers, ...init(signal) });
      if (answer.status === 204) return;
      if (!answer.ok) throw await errorOf(answer as unknown as Response);
      let retryMs = POLL_MS;
      for await (const message of messagesOf(answer.body as ReadableStream<Uint8Array>)) {
        last = message.id;
        retryMs = message.retryMs ?? retryMs;
        const told = { event: message.event, data: JSON.parse(message.data) } as VideoEvent;
        yield told;
        if (told.event === "deleted" || (told.event === "status" && isOver(told.data))) return;
      }
      await pause(retryMs, signal);
    }
  }

  async function polled(id: string, { onChange, signal }: Observing): Promise<Video> {
    let told = "";
    for (;;) {
      // The service waits where nobody wants to know what happens in between.
      const headers = onChange ? {} : { prefer: `wait=${WAIT_SECONDS}` };
      const answer = await videos[":id"].$get({ param: { id } }, { headers, ...init(signal) });
      const video = await answered(answer);
      const news = JSON.stringify({ ...video, url: null, thumbnail_url: null, url_expires_at: null });
      if (news !== told) onChange?.(video);
      told = news;
      if (isOver(video)) return video;
      await pause(Number(answer.headers.get("openai-poll-after-ms") ?? POLL_MS), signal);
    }
  }

  return {
    v1,
    async create(json, { idempotencyKey = crypto.randomUUID(), signal } = {}) {
      const headers = { "idempotency-key": idempotencyKey };
      return answered(await videos.$post({ json }, { headers, ...init(signal) }));
    },
    async wait(id, { onChange, signal } = {}) {
      if (onChange) {
        const video = await watched(watch(id, { signal }), onChange);
        if (video) return video;
      }
      return polled(id, { onChange, signal });
    },
    watch,
    async cancel(id) {
      return answered(await videos[":id"].cancel.$post({ param: { id } }));
    },
    async content(id, { variant = "video", signal } = {}) {
      const query = { variant, redirect: "false" } as const;
      const answer = await videos[":id"].content.$get({ param: { id }, query }, init(signal));
      const { url } = (await answered(answer)) as { readonly url: string };
      const file = await send(url, signal ? { signal } : {});
      if (!file.ok) throw await errorOf(file);
      return file;
    },
  };
}

interface Observing {
  readonly onChange: WaitOptions["onChange"] | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * Tells an observer of the events of a video, and returns the video once it is over. Returns null if there is no
 * stream: an older service has none, and a key may have only so many.
 */
async function watched(
  events: AsyncGenerator<VideoEvent>,
  onChange: (video: Video) => void,
): Promise<Video | null> {
  let newest = null as Video | null;
  try {
    for await (const { event, data } of events) {
      if (event === "status") newest = data;
      else if (event === "progress" && newest) {
        const { status, queue_position, stage, steps_done, seconds_left } = data;
        newest = { ...newest, status, queue_position, stage, steps_done, seconds_left };
      } else continue;
      onChange(newest);
      if (isOver(newest)) return newest;
    }
  } catch (error) {
    if (!(error instanceof AdareelError && WITHOUT_STREAM.includes(error.code ?? ""))) throw error;
  }
  return null;
}

const WITHOUT_STREAM = ["not_found", "too_many_streams"];

function isOver({ status }: Video): boolean {
  return status === "completed" || status === "failed";
}

function init(signal: AbortSignal | undefined) {
  return signal ? { init: { signal } } : {};
}

/** Returns the JSON of an answer. @throws AdareelError if its status is not 2xx */
async function answered<Body>(answer: { readonly ok: boolean; json(): Promise<Body> }): Promise<Body> {
  if (!answer.ok) throw await errorOf(answer as unknown as Response);
  return answer.json();
}
