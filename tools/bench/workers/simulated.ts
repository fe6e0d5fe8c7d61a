import { join } from "node:path";
import { memoryStore } from "../../../test/service/jobs/memory-store.ts";
import { NOW } from "../../../test/service/jobs/sample-job.ts";
import { Network, Process } from "../../../test/sim/network.ts";
import { SeededRandom } from "../../../test/sim/seeded-random.ts";
import { NO_FAULTS } from "../../../test/sim/swarm.ts";
import { VirtualTime } from "../../../test/sim/virtual-time.ts";
import { table } from "../markdown.ts";
import { docsFolder } from "../options.ts";
import { updateDocument } from "../results-file.ts";
import { quantile } from "../statistics.ts";
import { type Amounts, type Measured, measure, rateText, restTexts, WORKERS } from "./measure.ts";

/** Longest way of a request or an answer in milliseconds; the shortest is 1. */
const WAY_MS_MAX = 20;
const SEED = 1;
const VIDEO_MS = 500;
const AMOUNTS = { videosPerWorker: 60, lateOrders: 400, restMs: 600_000 };

/** Measurement of so many workers in simulated time. */
export interface Simulated {
  /** With a model that takes half a second for a video. */
  readonly waiting: Measured;
  /** With a model that takes no time, so that only the store and the search for work are left. */
  readonly instant: Pick<Measured, "perSecond">;
}

/** Measures workers in simulated time, prints the report, and writes it into the document of the benchmarks. */
export async function runSimulated(): Promise<void> {
  const rows: Simulated[] = [];
  for (const workers of WORKERS) rows.push(await simulateWorkers({ ...AMOUNTS, workers }));
  const report = simulatedReport(rows);
  await updateDocument(join(docsFolder, "benchmarks.md"), "workers", report);
  process.stdout.write(`${report}\n`);
}

/** Measures workers over a store in memory whose requests take simulated time: the same figures every time. */
export async function simulateWorkers(amounts: Omit<Amounts, "videoMs">): Promise<Simulated> {
  return {
    waiting: await inSimulatedTime({ ...amounts, videoMs: VIDEO_MS }),
    instant: await inSimulatedTime({ ...amounts, videoMs: 0, lateOrders: 0 }),
  };
}

async function inSimulatedTime(amounts: Amounts): Promise<Measured> {
  const random = new SeededRandom(SEED);
  const time = new VirtualTime(NOW, random);
  const network = new Network({ time, random, faults: NO_FAULTS, latencyMs: WAY_MS_MAX });
  const clock = { now: () => time.now };
  const process = new Process("workers", clock, () => undefined);
  const sleep = (durationMs: number) => network.sleep(process, durationMs);
  const place = {
    store: network.storeFor(process, memoryStore()),
    clock,
    random: random.bytes,
    timers: { elapsed: clock.now },
    sleep,
    pause: sleep,
  };
  let isOver = false;
  const measured = measure(place, amounts).finally(() => {
    isOver = true;
  });
  const running = time.run(() => isOver);
  const [result] = await Promise.all([measured, running]);
  return result;
}

/** Writes the section on workers that pull as Markdown. */
export function simulatedReport(rows: readonly Simulated[]): string {
  const lines = rows.map(({ waiting, instant }) => [
    String(waiting.workers),
    instant.perSecond.toFixed(1),
    rateText(waiting, VIDEO_MS),
    waiting.requestsPerVideo.toFixed(1),
    ...[0.5, 0.95].map((share) => Math.round(quantile(waiting.startMs, share)).toString()),
    ...restTexts(waiting),
  ]);
  const head = [
    "Workers",
    "Jobs a second, instant model",
    `Jobs a second, ${VIDEO_MS / 1000} s a video`,
    "Store requests a job",
    "POST to start, p50, ms",
    "p95, ms",
    "Looks a minute at rest",
    "USD a month at rest",
  ];
  return [
    "## Workers that pull",
    `Workers take jobs from a store in simulated time: the loop, the turns and the job store of the product, with a model that
only waits. Nothing is measured by a clock, so the figures are the same on every machine and change only with the code.`,
    table(head, lines),
    `- “Instant model”: a video takes no time, which leaves the store and the search for work. This is the most that so many
  workers can take.
- “Of”: what waiting for the model alone would allow. Before the workers began, ${AMOUNTS.videosPerWorker} jobs waited for each.
- “POST to start”: from the beginning of the job's creation in the store to the worker's claim, of ${AMOUNTS.lateOrders} jobs that
  came one by one while workers were free or soon would be.
- “USD”: LIST requests at Amazon S3's price in us-east-1, 0.005 for a thousand.`,
    `- Command: \`npm run bench -- workers\`; with \`--store s3://BUCKET/PREFIX\` it measures the same over a real bucket
  ([operations.md](operations.md#past-one-machine)).
- Each request takes 2 to ${2 * WAY_MS_MAX} ms there and back, and the store answers any number at a time. A real one may be
  slower under load, which this does not show.
- Renewals of leases, progress and webhooks of real videos come on top.`,
  ].join("\n\n");
}
