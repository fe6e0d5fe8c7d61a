import { pause } from "../../../functions/gpu/open-turns.ts";
import { openStore } from "../../../lib/service/storage/index.ts";
import { system } from "../../../lib/shared/system.ts";
import { table } from "../markdown.ts";
import { quantile } from "../statistics.ts";
import { type Measured, measure, rateText, restTexts, WORKERS } from "./measure.ts";

const AMOUNTS = { videoMs: 500, videosPerWorker: 20, lateOrders: 40, restMs: 30_000 };

/** Measures workers that pull jobs from a bucket with a model that only waits, and prints a table. */
export async function runWorkers(url: string): Promise<void> {
  const rows: Measured[] = [];
  for (const workers of WORKERS) {
    const store = await openStore(`${url}/${workers}`, { signUrl: () => "" });
    rows.push(await measure({ ...system, store, pause }, { ...AMOUNTS, workers }));
  }
  const lines = rows.map((row) => [
    String(row.workers),
    rateText(row, AMOUNTS.videoMs),
    row.requestsPerVideo.toFixed(1),
    [0.5, 0.95].map((share) => Math.round(quantile(row.startMs, share))).join(" / "),
    ...restTexts(row),
  ]);
  const head = [
    "workers",
    "videos a second",
    "requests a video",
    "ms to the start, p50 / p95",
    "looks a minute at rest",
    "USD a month at rest",
  ];
  process.stdout.write(`${table(head, lines)}\n`);
}
