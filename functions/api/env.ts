import type { Logger } from "pino";
import type { VideoLimits } from "../../lib/generation/request/index.ts";
import type { Hints, JobStore } from "../../lib/service/jobs/index.ts";
import type { ApiKeys, KeyRing, Principal } from "../../lib/service/keys/index.ts";
import type { ObjectStore } from "../../lib/service/storage/index.ts";
import type { Triggers } from "../../lib/service/triggers/index.ts";
import type { Endpoints, Post } from "../../lib/service/webhooks/index.ts";
import type { Clock, Random } from "../../lib/shared/ports.ts";

/** A model this deployment has, as requests are checked against it. */
export interface ModelCard {
  readonly name: string;
  readonly limits: VideoLimits;
}

/** What one API key may ask for. */
export interface RequestLimits {
  /** Bytes of a body, counted as they come. */
  readonly bodyBytesMax: number;
  readonly promptCharactersMax: number;
  /** Jobs that are queued or running. */
  readonly unfinishedMax: number;
  /** Pixels of all frames times denoising steps of one video. */
  readonly pixelStepsMax: number;
}

/** Everything the API does not make itself. */
export interface ApiDeps {
  readonly jobs: JobStore;
  readonly keys: ApiKeys;
  readonly endpoints: Endpoints;
  readonly triggers: Triggers;
  readonly ring: KeyRing;
  /** Signs URLs of outputs; read for nothing else. */
  readonly store: ObjectStore;
  readonly hints: Hints;
  readonly post: Post;
  /** The first is the default. */
  readonly models: readonly [ModelCard, ...ModelCard[]];
  readonly limits: RequestLimits;
  /** How long outputs are kept. */
  readonly retentionMs: number;
  readonly webhookUrls: { readonly allowLoopback: boolean; readonly blockedHosts: readonly string[] };
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly version: string;
}

/** What Hono carries along with a request. */
export interface ApiEnv {
  Variables: {
    requestId: string;
    /** Set on every route under /v1 that asks for a key. */
    principal: Principal;
  };
}
