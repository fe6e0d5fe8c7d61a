import { REQUEST_LIMITS } from "../../functions/api/limits.ts";
import { TURN_MS } from "../../functions/api/stream/video-streams.ts";
import { DEPLOYED } from "./bill.ts";
import type { Block } from "./blocks.ts";
import { PRICES, type PriceName } from "./prices.ts";
import { perVideo } from "./units.ts";

/** Minutes of the video that is followed. */
const MINUTES = 10;

/** Way to follow a video. */
interface Following {
  /** Seconds from one request to the next. */
  readonly everySeconds: number;
  /** Seconds for which the function waits for news. */
  readonly waitsSeconds: number;
  /** Objects that a request reads: its key, the record at each look, and a preview. */
  readonly reads: number;
  /** Listings of the queue; none once the video runs. */
  readonly lists: number;
}

const dollarsOf = (name: PriceName) => PRICES[name].dollars / PRICES[name].units;

/** Returns what one reader costs in dollars who follows a video for ten minutes. */
function followingDollars({ everySeconds, waitsSeconds, reads, lists }: Following): number {
  const requests = (MINUTES * 60) / (everySeconds + waitsSeconds);
  const gbSeconds = DEPLOYED.edgeGb.value * (DEPLOYED.edgeSeconds.value + waitsSeconds);
  const each =
    dollarsOf("cloudFrontRequest") +
    dollarsOf("edgeRequest") +
    gbSeconds * dollarsOf("edgeGbSecond") +
    reads * dollarsOf("s3Read") +
    lists * dollarsOf("s3Write");
  return requests * each;
}

/** Looks in a second at a record that `Prefer: wait` waits for. */
const LOOKS_PER_SECOND = 5;

/** Returns the table of what following a video costs, by how it is done. */
export function streamTable(): Block {
  const reads = DEPLOYED.readsPerRequest.value;
  const row = (how: string, queued: Following, running: Partial<Following>) => [
    how,
    perVideo(followingDollars(queued)),
    perVideo(followingDollars({ ...queued, lists: 0, ...running })),
  ];
  const poll = { everySeconds: 1, waitsSeconds: 0, reads, lists: 1 };
  const wait = { everySeconds: 0, waitsSeconds: 25, reads: 1 + 25 * LOOKS_PER_SECOND, lists: 1 };
  const turn = { everySeconds: 0, waitsSeconds: 5, reads: 1 + 5, lists: 5 };
  const [queuedSeconds, runningSeconds] = [TURN_MS.queued / 1000, TURN_MS.running / 1000];
  return {
    kind: "table",
    header: [`One reader for ${MINUTES} minutes`, "queued", "running"],
    rows: [
      row("polled every second, as `openai-poll-after-ms` says", poll, {}),
      row("`Prefer: wait=25`, again and again", wait, {}),
      row("a stream whose turns wait for 5 seconds, with a look each second", turn, { reads: 7 }),
      row(
        `**the stream: turns that do not wait, every ${queuedSeconds} s queued, ${runningSeconds} s running**`,
        { ...poll, everySeconds: queuedSeconds },
        { everySeconds: runningSeconds, reads: reads + 1 },
      ),
    ],
    textColumns: [0],
  };
}

/** Returns what the table means, and what previews cost beside it. */
export function streamText(): string {
  const second = DEPLOYED.edgeGb.value * dollarsOf("edgeGbSecond");
  const turn =
    dollarsOf("cloudFrontRequest") +
    dollarsOf("edgeRequest") +
    DEPLOYED.edgeGb.value * DEPLOYED.edgeSeconds.value * dollarsOf("edgeGbSecond") +
    (DEPLOYED.readsPerRequest.value + 1) * dollarsOf("s3Read");
  const previews = ((MINUTES * 60) / DEPLOYED.progressSeconds.value) * dollarsOf("s3Write");
  return (
    "Lambda@Edge sends answers whole, so a stream is answered in turns, and the reader comes again with the id of the last " +
    `event. A second of waiting costs as much as ${(second / turn).toFixed(1)} turns, so a turn answers at once with what is ` +
    "new. A preview is read only where it is newer than the last one; the table reads one in every turn. The worker writes at " +
    `most a preview every ${DEPLOYED.progressSeconds.value} s, ${perVideo(previews)} in ${MINUTES} minutes, whoever looks: ` +
    "`preview: false` saves it. On one machine streams are held open, and nothing is billed; a key may have " +
    `${REQUEST_LIMITS.streams.perKeyMax}.`
  );
}
