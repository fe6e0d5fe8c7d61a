/** Times of the last video of a kind, by which the next one's end is predicted. */
export interface PastVideo {
  /** Steps, as in the progress of a job: `c` for each computed one, `r` for each reused one. */
  readonly taken: string;
  /** Mean time of a reused step; null if there was none. */
  readonly reusedSeconds: number | null;
  /** Time of decoding it once. A comparison decodes twice. */
  readonly decodeSeconds: number;
  /** Time from the decoded frames to stored outputs. */
  readonly storeSeconds: number;
}

/** Last video of each kind that this process has made. */
export interface PastVideos {
  last(kind: string): PastVideo | null;
  keep(kind: string, video: PastVideo): void;
}

/** Number of kinds that are remembered. */
const KINDS_MAX = 32;

export function pastVideos(): PastVideos {
  const videos = new Map<string, PastVideo>();
  return {
    last: (kind) => videos.get(kind) ?? null,
    keep(kind, video) {
      videos.delete(kind);
      // Forgets the oldest: a Map keeps the order of insertion.
      if (videos.size >= KINDS_MAX) videos.delete(videos.keys().next().value!);
      videos.set(kind, video);
    },
  };
}
