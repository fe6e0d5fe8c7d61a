import type { Logger } from "pino";
import type { VideoLimits } from "../../lib/generation/request/index.ts";
import type { Hints, JobProgress, JobRef, JobStore } from "../../lib/service/jobs/index.ts";
import type { ApiKeys, KeyRing, Principal } from "../../lib/service/keys/index.ts";
import type { Fetched, UrlRules } from "../../lib/service/net/index.ts";
import type { Spending } from "../../lib/service/spending/index.ts";
import type { ObjectStore } from "../../lib/service/storage/index.ts";
import type { Triggers } from "../../lib/service/triggers/index.ts";
import type { Endpoints, Post } from "../../lib/service/webhooks/index.ts";
import type { Clock, Random } from "../../lib/shared/ports.ts";
import type { Quotes } from "./quotes.ts";

/** Model of this deployment, with the limits against which requests are checked. */
export interface ModelCard {
  readonly name: string;
  readonly limits: VideoLimits;
}

/** Progress of an attempt that this process was told of, which is newer than the record's. */
export interface LiveProgress {
  readonly attempt: number;
  readonly progress: JobProgress;
  /** Newest preview, an animated WebP in base64, and the steps that were done; null if there is none. */
  readonly preview: { readonly step: number; readonly webp: string } | null;
}

/** News of jobs from the memory of this process. */
export interface LiveJobs {
  /**
   * Calls `wake` whenever the job's record has changed, or its worker told of progress. Returns what ends that. Other
   * processes may change a record unnoticed.
   */
  watch(ref: JobRef, wake: (what: "record" | "progress") => void): () => void;
  /** Returns the newest progress of a job that runs; null if none was told. */
  progressOf(ref: JobRef): LiveProgress | null;
  /** Tells those who watch a job that its record has changed. */
  changed(ref: JobRef): void;
}

/** Limits of streams that are held open. */
export interface StreamLimits {
  /** Maximum number of one API key. */
  readonly perKeyMax: number;
  /** Maximum number of all together. */
  readonly totalMax: number;
  /** Time without an event after which a comment is sent, since proxies close silent connections. */
  readonly heartbeatMs: number;
  /** Time in which a reader must take what was sent. */
  readonly drainMs: number;
  /** Longest time of one stream; its reader comes again. */
  readonly lifeMs: number;
  /** Time after which the record and the key are looked at again, whatever was told. */
  readonly lookMs: number;
  /** The same for the place in the queue. */
  readonly queueLookMs: number;
}

/** Limits of requests with one API key. */
export interface RequestLimits {
  /** Maximum number of bytes of a body, counted while it is received. */
  readonly bodyBytesMax: number;
  /** The same for bodies that may hold pictures. */
  readonly pictureBodyBytesMax: number;
  readonly promptCharactersMax: number;
  /** Maximum number of jobs that are queued or running. */
  readonly unfinishedMax: number;
  /** Maximum of the pixels of all frames of a video times its denoising steps. */
  readonly pixelStepsMax: number;
  readonly streams: StreamLimits;
}

/** Dependencies of the API. */
export interface ApiDeps {
  readonly jobs: JobStore;
  readonly keys: ApiKeys;
  readonly endpoints: Endpoints;
  readonly triggers: Triggers;
  readonly ring: KeyRing;
  /** Object store, used only to find outputs, to sign their URLs, and to copy pictures from job to job. */
  readonly store: ObjectStore;
  readonly hints: Hints;
  readonly quotes: Quotes;
  readonly spending: Spending;
  readonly post: Post;
  /** Fetches a picture from a URL that a user chose; implemented by `fetchGuarded` of lib/service/net. */
  readonly fetchPicture: (url: string) => Promise<Fetched>;
  /** Models; the first is the default. */
  readonly models: readonly [ModelCard, ...ModelCard[]];
  readonly limits: RequestLimits;
  /** Time for which outputs are kept. */
  readonly retentionMs: number;
  /** Rules of the URLs that users choose, for webhooks and for pictures. */
  readonly webhookUrls: UrlRules;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly version: string;
  /**
   * Returns why no video can be made at present, in one sentence, or null. Left out where the API does not know, as at
   * the edge, from which no worker is seen.
   */
  readonly fault?: (() => string | null) | undefined;
  /**
   * Resolves when the job has begun or ended, or after `waitMs` at the latest; left out where nobody tells the API.
   * A change right before the call may be missed.
   */
  readonly nextChange?: ((ref: JobRef, waitMs: number) => Promise<void>) | undefined;
  /**
   * News of the jobs that are made here, with which streams are held open. Left out where an answer is sent whole, as
   * at the edge: a stream is then answered in turns, and its reader comes again.
   */
  readonly live?: LiveJobs | undefined;
  /** Ends all streams when it aborts. */
  readonly stopping?: AbortSignal | undefined;
  /** Called with the number of streams that are held open, whenever it changes. */
  readonly onStreams?: ((open: number) => void) | undefined;
}

/** Variables of a request in Hono's context. */
export interface ApiEnv {
  Bindings: {
    /** Ends the connection of a request whose answer is not read; left out where there is none. */
    hangUp?: () => void;
  };
  Variables: {
    requestId: string;
    /** Owner of the API key; set on every route under /v1 that needs a key. */
    principal: Principal;
  };
}
