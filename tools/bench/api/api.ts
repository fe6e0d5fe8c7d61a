import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { circumstances } from "../machine.ts";
import { demoModel, docsFolder, resultsFolder, userPath, type Written } from "../options.ts";
import { readResults, updateDocument, writeText } from "../results-file.ts";
import { measureIdempotency } from "./idempotency.ts";
import { measureLoads } from "./loads.ts";
import { measureMemory } from "./memory.ts";
import { apiReport } from "./report.ts";
import { type ApiResults, apiResultsSchema } from "./results.ts";
import { firstCore } from "./server-process.ts";
import { timeStart } from "./start.ts";

const run = promisify(execFile);

interface Repeats {
  readonly rounds: number;
  readonly starts: number;
  readonly jobs: readonly number[];
  readonly posts: number;
}

const WHOLE: Repeats = { rounds: 9, starts: 30, jobs: [100, 1000, 5000, 10_000], posts: 1000 };
const QUICK: Repeats = { rounds: 2, starts: 5, jobs: [20, 100, 300], posts: 100 };

const PACKAGES = ["hono", "@hono/node-server", "zod", "pino"];

/**
 * Runs `api [--quick] [--against FOLDER] [--from FILE]`: requests per second next to those of the bare framework and
 * of another checkout of this program, the time to the worker's start, memory, and concurrent requests with one
 * idempotency key. A quick run writes its report to out/bench.
 */
export async function runApi({ values, args }: Written<"from" | "against">): Promise<void> {
  const results = values.from
    ? await readResults(userPath(values.from), apiResultsSchema)
    : await measure(values.quick ? QUICK : WHOLE, values.against, ["api", ...args]);
  const isWhole = results.loads.every(({ ours }) => ours.length >= WHOLE.rounds);
  const path = join(isWhole ? docsFolder : resultsFolder, "benchmarks.md");
  await updateDocument(path, "api", apiReport(results));
  process.stdout.write(`Wrote ${path}.\n`);
}

async function measure(
  repeats: Repeats,
  against: string | undefined,
  args: readonly string[],
): Promise<ApiResults> {
  const described = await circumstances(args, demoModel, PACKAGES);
  const core = await firstCore();
  const scratch = await mkdtemp(join(tmpdir(), "adareel-bench-"));
  try {
    const folder = join(scratch, "service");
    say("from request to worker");
    const { answered, begun, ...made } = await timeStart(folder, repeats.starts);
    say("requests a second");
    const rival = against === undefined ? null : await makeRival(userPath(against), join(scratch, "rival"));
    const loads = await measureLoads({ folder, ...made, rival, core, rounds: repeats.rounds });
    say("memory");
    const memory = await measureMemory({ folder: join(scratch, "memory"), core, jobs: repeats.jobs });
    say("one idempotency key");
    const idempotency = await measureIdempotency(folder, repeats.posts);
    const results: ApiResults = {
      kind: "api",
      circumstances: described,
      loadAfter: loadavg()[0]!,
      isPinned: core !== null,
      ...(rival && { rival: rival.commit }),
      loads,
      start: { answered, begun },
      memory,
      idempotency,
    };
    await writeText(join(resultsFolder, "api.json"), `${JSON.stringify(results, null, 1)}\n`);
    return results;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Makes a completed video with another checkout of this program, which has its packages installed. */
async function makeRival(checkout: string, folder: string) {
  const { stdout } = await run("git", ["-C", checkout, "rev-parse", "--short", "HEAD"]);
  const { key, videoId } = await timeStart(folder, 1, checkout);
  return { checkout, folder, key, videoId, commit: stdout.trim() };
}

function say(what: string): void {
  process.stderr.write(`${what}\n`);
}
