import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { pastVideos } from "../../functions/gpu/past-videos.ts";
import { runJob } from "../../functions/gpu/run-job.ts";
import { warmModels } from "../../functions/gpu/warm-models.ts";
import { workerKind } from "../../functions/gpu/worker-kind.ts";
import { describeModel } from "../../lib/generation/pipeline/index.ts";
import { resolveRequest } from "../../lib/generation/request/index.ts";
import { type JobRecord, jobStore, newVideoId } from "../../lib/service/jobs/index.ts";
import { type MeasuredRun, runStore } from "../../lib/service/quotes/index.ts";
import { openFolderStore } from "../../lib/service/storage/index.ts";
import { system } from "../../lib/shared/system.ts";

/**
 * Measures what quotes are tested with: makes videos of the demo model on this machine, of several sizes, lengths,
 * numbers of steps and policies, with the worker and the store of `npm start`, and writes what each took.
 *
 *     node --import tsx tools/quotes/measure.ts FILE.json [COUNT]
 */

const DEMO = join(import.meta.dirname, "../../models/demo");
const [path, count = "90"] = process.argv.slice(2);
if (!path) throw new Error("Say the file to write to.");

const SHAPES = [
  { width: 64, height: 64, frames: 16 },
  { width: 64, height: 64, frames: 16 },
  { width: 96, height: 64, frames: 16 },
  { width: 96, height: 96, frames: 16 },
] as const;
const STEPS = [12, 16, 20, 30, 30] as const;
const CACHES = ["auto", "auto", "off", "fast", "slow", "static:3", "computed_steps:8"] as const;

/** Draws from a fixed sequence (mulberry32), so that two measurements make the same videos. */
function sequence(seed: number) {
  let state = seed;
  return <T>(from: readonly T[]): T => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return from[((mixed ^ (mixed >>> 14)) >>> 0) % from.length]!;
  };
}

const folder = await mkdtemp(join(tmpdir(), "adareel-quotes-"));
const store = await openFolderStore(folder, { signUrl: () => "", random: system.random });
const { clock, random, sleep } = system;
const jobs = jobStore({ store, clock, random, sleep });
const runs = runStore(store, { random, sleep });
const { limits } = await describeModel(DEMO);
const models = await warmModels([{ name: "demo", folder: DEMO }], { provider: "cpu" });
const past = pastVideos();
const draw = sequence(16);
const measured: { readonly load: number; readonly run: MeasuredRun }[] = [];

try {
  for (let index = 0; index < Number(count); index++) {
    const shape = draw(SHAPES);
    const asked = {
      prompt: draw([
        "a red circle moves left over blue",
        "a green square turns over white",
        "a yellow circle",
      ]),
      seed: index,
      steps: draw(STEPS),
      cache: draw(CACHES),
      guidance_scale: draw([1, 2, 2, 2]),
      compare: draw([false, false, false, false, false, false, false, true]),
    };
    const params = { ...resolveRequest(asked, { model: "demo", limits }), ...shape };
    if (index > 0 && index % 20 === 0) await models.close();
    await run(params);
    const all = await runs.read("demo");
    if (all === "damaged") throw new Error("The runs cannot be read.");
    const newest = all.at(-1)!;
    measured.push({ load: Number(loadavg()[0]!.toFixed(2)), run: rounded(newest) });
    process.stderr.write(`${index + 1}: ${newest.policy}, ${newest.seconds.make.toFixed(2)} s\n`);
  }
} finally {
  await models.close();
  await rm(folder, { recursive: true, force: true });
}
const provenance =
  `tools/quotes/measure.ts ${count}, ${new Date().toISOString().slice(0, 10)}: the demo model on ${cpus().length} shared ` +
  "cores that other programs used too; `load` is the load average over a minute";
await writeFile(path, `${JSON.stringify({ provenance, measured }, null, 1)}\n`);

async function run(params: JobRecord["params"]): Promise<void> {
  const id = newVideoId(clock, random);
  const now = clock.now();
  const ref = { tenant: "default", id };
  await jobs.create(
    {
      ...ref,
      keyId: "k",
      createdAt: now,
      deadlineAt: now + 600_000,
      expiresAt: now + 600_000,
      params,
      metadata: {},
      remixedFrom: null,
      webhook: null,
    },
    { unfinishedMax: 1000 },
  );
  const { record } = await runJob(ref, new AbortController().signal, {
    jobs,
    runs,
    store,
    models,
    clock,
    owner: "measure",
    leaseMs: 60_000,
    progressIntervalMs: 200,
    maxRunMs: 600_000,
    auditShare: 0,
    past,
    provider: "cpu",
    precision: "float32",
    workerKind: workerKind({ provider: "cpu", precision: "float32", gpu: null }),
    provenance: { mode: "mark", signer: null, note: null },
    log: pino({ level: "silent" }),
    onChange: () => undefined,
  });
  if (record?.status !== "completed") throw new Error(`The video was not made: ${record?.error?.message}`);
}

/** Rounds the seconds to tenths of milliseconds, which a fixture is shorter by. */
function rounded({ seconds, ...run }: MeasuredRun): MeasuredRun {
  const brief = Object.entries(seconds).map(([name, value]) => [name, value && Number(value.toFixed(4))]);
  return { ...run, seconds: Object.fromEntries(brief) };
}
