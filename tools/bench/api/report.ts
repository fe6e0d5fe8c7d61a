import { describeCircumstances } from "../machine.ts";
import { table } from "../markdown.ts";
import { quantile, type Spread, spread } from "../statistics.ts";
import { type ApiResults, compareLoad, growthByJob, type LoadSummary, summariseLoad } from "./results.ts";

/** Writes the API section of the benchmarks document as Markdown, from the measurements only. */

const AIM = { startMs: 50, heapBytesByJob: 50 } as const;

const PINNED = "with all threads of a server pinned to one core";
const UNPINNED = "but were not pinned to one core, since `taskset` is missing";

export function apiReport(results: ApiResults): string {
  const loads = results.loads.map(summariseLoad);
  const { isPinned, start, circumstances, loadAfter } = results;
  return [
    "## The API",
    "Values are medians, with the 10th and 90th percentiles in parentheses.",
    "### Requests per second",
    loadTable(loads),
    `“Ours” is the whole API over a folder store. “Bare” is only Hono and its Node server, which read and answer the same
JSON. They took turns, ${isPinned ? PINNED : UNPINNED}. Ours / bare is computed within a round.
Rates and latencies were measured at the client, over the given number of keep-alive connections; p50 and p99 are those
of a round. Requests per round: ${requestsTold(results)}.
CPU is the processor time per request in all threads of the server. Other programs affect it less than the rates.`,
    `No worker ran the jobs. All jobs were cancelled between rounds, so that every round began with one queued video and
no key reached its limit. Every create was synced to disk before it was answered.`,
    ...rivalTexts(results),
    "### From request to worker",
    table(
      ["From the request to", "Median, ms", "p90, ms", "Max, ms"],
      [
        ["its answer, at the client", ...told3(start.answered)],
        ["the worker's start, as in the receipt", ...told3(start.begun)],
      ],
    ),
    `${start.begun.length} jobs ran one after another in an otherwise idle \`npm start\`, with the demo model loaded.`,
    "### Memory and disk",
    memoryTable(results),
    memoryText(results),
    "### One idempotency key",
    idempotencyText(results),
    "### How it was measured",
    [
      ...describeCircumstances(circumstances),
      `Load average at the end, including this benchmark: ${loadAfter.toFixed(1)}.`,
    ]
      .map((line) => `- ${line}`)
      .join("\n"),
    "### Limits",
    `- S3 was not used. There, every read and write of the store is a request with network latency.
- There was no network between client and server, no TLS, and only one server process.
- Hints were discarded, while the local service keeps one in memory for each waiting job.`,
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

/** Tells the requests per second next to those of the checkout of `--against`, if there was one. */
function rivalTexts({ rival, loads }: ApiResults): string[] {
  if (rival === undefined) return [];
  const rows = loads.flatMap((load) => {
    const compared = compareLoad(load);
    if (compared === null) return [];
    const [ours, theirs] = [load.ours, load.rival!].map((rounds) =>
      spread(rounds.map((round) => round.perSecond)),
    );
    return [
      [
        load.route,
        String(load.connections),
        told(ours!, 0),
        told(theirs!, 0),
        told(compared.rate, 2),
        told(compared.cpu, 2),
      ],
    ];
  });
  return [
    "### Next to an earlier build",
    table(
      ["Route", "Connections", "Ours, 1/s", "Earlier, 1/s", "Times as many", "CPU, ours / earlier"],
      rows,
    ),
    `The earlier build is commit ${rival}, with a data folder of its own on the same disk. It took turns with ours.`,
  ];
}

function requestsTold({ loads }: ApiResults): string {
  const counts = new Set(
    loads.map(({ route, requests }) => `${requests.ours} ${route.split(" ")[0]} (bare ${requests.bare})`),
  );
  return `${[...counts].join(", ")}; ${loads[0]!.ours.length} rounds`;
}

function memoryTable({ memory }: ApiResults): string {
  return table(
    ["Jobs created", "Resident, MB", "Heap used, MB", "CPU of a GET of the newest job, ms"],
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
    `No worker ran the jobs. They belong to ${count(memory.keys, "API key")}, since a key may have at most 1000 unfinished jobs.`,
    "Memory was measured after garbage collection. The answer to the GET counts the videos queued before it, up to 1000.",
    `Between the last two rows, each job added ${heap.toFixed(0)} bytes of heap.`,
    `On disk, a queued job has ${bytesEach} bytes in files; with folders, it has ${entriesEach} entries and takes ${kibibytesEach} KiB.`,
  ].join("\n");
}

function idempotencyText({ idempotency }: ApiResults): string {
  const { posts, statuses, ids, listed, seconds } = idempotency;
  const answered = Object.entries(statuses).map(([status, times]) => `${times} with ${status}`);
  return `${posts} concurrent requests, each on its own connection, had the same idempotency key. In ${seconds.toFixed(2)} s they
were answered: ${answered.join(" and ")}. There is ${count(ids, "id")} in the answers and ${count(listed, "video")} in the list.`;
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
        `${heap.toFixed(0)} bytes per job`,
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
