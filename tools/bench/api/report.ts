import { describeCircumstances } from "../machine.ts";
import { table } from "../markdown.ts";
import { quantile, type Spread } from "../statistics.ts";
import { type ApiResults, growthByJob, type LoadSummary, summariseLoad } from "./results.ts";

/** Writes the API section of the benchmarks document as Markdown, from the measurements only. */

const AIM = { startMs: 50, heapBytesByJob: 50 } as const;

const PINNED = "on one core that all threads of a server shared";
const UNPINNED = "and were not held to one core, since there is no `taskset`";

export function apiReport(results: ApiResults): string {
  const loads = results.loads.map(summariseLoad);
  const { isPinned, start, circumstances, loadAfter } = results;
  return [
    "## The API",
    "Values are medians, with the 10th and the 90th percentile.",
    "### Requests a second",
    loadTable(loads),
    `Ours is the whole API over a folder; bare is Hono and its Node server alone, which read and answered the same JSON.
They took turns, ${isPinned ? PINNED : UNPINNED}; ours / bare is of one round.
Rates and latencies are those that the client saw over so many kept connections; p50 and p99 are of one round's
requests, which are ${requestsTold(results)}.
CPU is the processor time of a request in all threads of the server: other programs change it less than the rates.`,
    `Nobody worked on the jobs. Between rounds all were cancelled, so that a round began with one queued video and the key
never had too many. Every create is on the disk, synced, before it is answered.`,
    "### From request to worker",
    table(
      ["From the request to", "Milliseconds", "p90", "Most"],
      [
        ["its answer, at the client", ...told3(start.answered)],
        ["the worker's start, by the receipt", ...told3(start.begun)],
      ],
    ),
    `${start.begun.length} jobs one after another over \`npm start\`, with nothing else to do and the demo model loaded.`,
    "### Memory and disk",
    memoryTable(results),
    memoryText(results),
    "### One idempotency key",
    idempotencyText(results),
    "### How it was measured",
    [
      ...describeCircumstances(circumstances),
      `Load average at the end, this benchmark included: ${loadAfter.toFixed(1)}.`,
    ]
      .map((line) => `- ${line}`)
      .join("\n"),
    "### What it does not show",
    `- S3: every read and write of the folder is a request there, with the latency of the network.
- A network between client and server, TLS, or more than one process.
- Hints: they went nowhere here, while the local service keeps one in memory for each job that waits.`,
    "### Aims",
    aims(results),
  ].join("\n\n");
}

function loadTable(loads: readonly LoadSummary[]): string {
  const both = (ours: Spread, bare: Spread, digits: number) =>
    `${ours.median.toFixed(digits)} / ${bare.median.toFixed(digits)}`;
  return table(
    [
      "Route",
      "Connections",
      "Ours, 1/s",
      "Bare, 1/s",
      "Ours / bare",
      "p50 of ours / bare, ms",
      "p99 of ours / bare, ms",
      "CPU, ms",
      "CPU, ours / bare",
    ],
    loads.map(({ route, connections, ours, bare, rateRatio, cpuRatio }) => [
      route,
      String(connections),
      told(ours.perSecond, 0),
      told(bare.perSecond, 0),
      told(rateRatio, 3),
      both(ours.p50, bare.p50, 2),
      both(ours.p99, bare.p99, 1),
      told(ours.cpu, 2),
      told(cpuRatio, 1),
    ]),
  );
}

function requestsTold({ loads }: ApiResults): string {
  const counts = new Set(
    loads.map(({ route, requests }) => `${requests.ours} (bare ${requests.bare}) of ${route.split(" ")[0]}`),
  );
  return `${[...counts].join(", ")}, in ${loads[0]!.ours.length} rounds`;
}

function memoryTable({ memory }: ApiResults): string {
  return table(
    ["Jobs created", "Resident, MB", "Heap used, MB", "CPU of a GET of the newest, ms"],
    memory.points.map(({ jobs, resident, heap, getCpu }) => [
      String(jobs),
      (resident / 1e6).toFixed(1),
      (heap / 1e6).toFixed(1),
      getCpu.toFixed(2),
    ]),
    [],
  );
}

function memoryText({ memory }: ApiResults): string {
  const { jobs } = memory.points.at(-1)!;
  const { entries, bytes, diskBytes } = memory.folder;
  const { heap } = growthByJob(memory);
  const bytesEach = (bytes / jobs).toFixed(0);
  const entriesEach = (entries / jobs).toFixed(1);
  const kibibytesEach = (diskBytes / jobs / 1024).toFixed(1);
  return [
    `Jobs that nobody worked on, spread over ${count(memory.keys, "API key")}, since one may have 1000 that are not over;`,
    "memory after a collection of garbage. The answer about a queued video counts those before it, up to a thousand.",
    `Between the last two rows a job added ${heap.toFixed(0)} bytes of heap.`,
    `On the disk a queued job is ${bytesEach} bytes in files; with its folders it is ${entriesEach} entries and ${kibibytesEach} KiB.`,
  ].join("\n");
}

function idempotencyText({ idempotency }: ApiResults): string {
  const { posts, statuses, ids, listed, seconds } = idempotency;
  const answered = Object.entries(statuses).map(([status, times]) => `${times} with ${status}`);
  return `${posts} requests at once on as many connections, all with one key: answered ${answered.join(" and ")} in
${seconds.toFixed(2)} s, ${count(ids, "id")} in the answers and ${count(listed, "video")} in the list.`;
}

function aims(results: ApiResults): string {
  const { start, memory, idempotency } = results;
  const met = (isMet: boolean) => (isMet ? "yes" : "no");
  const begun = quantile(start.begun, 0.5);
  const { heap } = growthByJob(memory);
  const failed = idempotency.posts - (idempotency.statuses["200"] ?? 0);
  const isOne = idempotency.ids === 1 && idempotency.listed === 1 && failed === 0;
  return table(
    ["Aim", "Measured", "Met"],
    [
      [
        `An idle worker starts within ${AIM.startMs} ms of the request`,
        `${begun.toFixed(0)} ms`,
        met(begun < AIM.startMs),
      ],
      [
        "The API's process does not grow with the jobs",
        `${heap.toFixed(0)} bytes a job`,
        met(heap < AIM.heapBytesByJob),
      ],
      [
        `${idempotency.posts} requests at once with one idempotency key make one job`,
        `${count(idempotency.ids, "id")}, ${idempotency.listed} in the list${failed > 0 ? `, ${failed} failed` : ""}`,
        met(isOne),
      ],
    ],
    [0, 1, 2],
  );
}

function told3(values: readonly number[]): [string, string, string] {
  return [quantile(values, 0.5), quantile(values, 0.9), Math.max(...values)].map((value) =>
    value.toFixed(1),
  ) as [string, string, string];
}

function told({ median, p10, p90 }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${p10.toFixed(digits)}–${p90.toFixed(digits)})`;
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}
