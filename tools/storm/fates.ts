import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Video, VideoEvents } from "../../functions/api/schemas/video.ts";
import { type Acknowledged, type Ordering, post, untilAnswered } from "./orders.ts";

/** Acknowledged order, and what became of it. */
export interface Fate extends Acknowledged {
  /** Status and error code at the end, `404` if the video is gone, `unfinished` if it never ended. */
  readonly end: string;
  /** Entries of the history that are ends. */
  readonly ends: number;
  readonly losses: number;
  /** True if no worker has begun it before the work of the one before it was over. */
  readonly isOneByOne: boolean;
  /** True unless it is completed and its file is not the one that its receipt names. */
  readonly isIntact: boolean;
  /** True if the same idempotency key still names this video. */
  readonly isSame: boolean;
}

const GONE = { end: "404", ends: 1, losses: 0, isOneByOne: true, isIntact: true, isSame: true } as const;

/** Looks at a video until it has ended, or until a time. */
export async function fateOf(ordering: Ordering, order: Acknowledged, until: number): Promise<Fate> {
  const key = ordering.keys[order.tenant];
  const path = `/v1/videos/${order.id}`;
  const look = <T>(method: string, at: string) =>
    untilAnswered<T>(ordering, key, method, at, undefined, {}, [404]);
  let video: Partial<Video> = {};
  do {
    video = await look<Partial<Video>>("GET", path);
    if (video.status !== "queued" && video.status !== "in_progress") break;
    await sleep(200);
  } while (performance.now() < until);
  if (video.id === undefined) return { ...order, ...GONE };
  const { lifecycle } = await look<VideoEvents>("GET", `${path}/events`);
  const isEnd = (type: string) => ["completed", "failed", "cancelled"].includes(type);
  const isOver = video.status === "completed" || video.status === "failed";
  return {
    ...order,
    end: isOver ? (video.error?.code ?? video.status!) : "unfinished",
    ends: lifecycle.filter(({ type }) => isEnd(type)).length,
    losses: lifecycle.filter(({ type }) => type === "lost").length,
    isOneByOne: isOneByOne(lifecycle),
    isIntact: video.status !== "completed" || (await isFileIntact(video)),
    isSame: (await post(ordering, order)).id === order.id,
  };
}

/** Returns whether each attempt was begun once, after the end of the one before it. */
function isOneByOne(lifecycle: VideoEvents["lifecycle"]): boolean {
  const begun = lifecycle.filter(({ type }) => type === "claimed").map(({ attempt }) => attempt);
  const isInterrupted = lifecycle.some(
    ({ type }, index) => type === "claimed" && lifecycle[index + 1]?.type === "claimed",
  );
  return !isInterrupted && begun.every((attempt, index) => attempt === index + 1);
}

async function isFileIntact({ url, compute }: Partial<Video>): Promise<boolean> {
  const bytes = new Uint8Array(await (await fetch(url!)).arrayBuffer());
  return createHash("sha256").update(bytes).digest("hex") === compute!.video.sha256;
}
