import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { budgetOfDamage, type CachePolicy } from "../../../lib/generation/caching/index.ts";
import { type Generation, openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { RequestError, resolveRequest } from "../../../lib/generation/request/index.ts";
import { type Frames, psnr } from "../../../lib/generation/video/index.ts";
import { UsageError } from "../../../lib/shared/command-line/index.ts";
import { errorTableIn } from "../error-table.ts";
import { circumstances } from "../machine.ts";
import { demoModel, docsFolder, positiveInteger, resultsFolder, userPath, type Written } from "../options.ts";
import { readResults, updateDocument, writeText } from "../results-file.ts";
import { promiseReport } from "./report.ts";
import { type PromiseResults, promiseResultsSchema } from "./results.ts";

/** Prompts of a complete run: the first of those that were held out of the demo model's training. */
const FULL_RUN = 200;
const HELD_OUT = join(demoModel, "held-out-prompts.json");

const DECIBELS = [30, 35, 40, 45];
const COMPUTED_STEPS = [8, 12];
/** Times asked for, as shares of the seconds of the video without cache. */
const TIME_SHARES = [0.5, 0.75];
/** Budgets in dB among which the cheapest is chosen afterwards. */
const BUDGETS = [20, 25, 30, 35, 40, 46, 52];

interface HeldOut {
  readonly prompt: string;
  readonly seed: number;
}

/**
 * Runs `promises [--count N] [--quick] [--from FILE]`: promises on prompts that no table has seen, and the cheapest
 * setting that would have kept each.
 */
export async function runPromises({ values, args }: Written<"count" | "from">): Promise<void> {
  const count =
    values.count === undefined ? (values.quick ? 4 : FULL_RUN) : positiveInteger("count", values.count, 1000);
  const results = values.from
    ? await readResults(userPath(values.from), promiseResultsSchema)
    : await measure(count, ["promises", ...args]);
  const folder = results.prompts.length >= FULL_RUN ? docsFolder : resultsFolder;
  await updateDocument(join(folder, "benchmarks.md"), "promises", promiseReport(results));
  process.stdout.write(`Wrote ${join(folder, "benchmarks.md")}.\n`);
}

async function measure(count: number, command: readonly string[]): Promise<PromiseResults> {
  const heldOut: HeldOut[] = JSON.parse(await readFile(HELD_OUT, "utf8"));
  let policy: CachePolicy | null = null;
  const pipeline = await openPipeline(
    demoModel,
    {},
    {
      signals: [],
      through: (sessions) => sessions,
      policy: () => policy,
    },
  );
  try {
    const table = await errorTableIn(demoModel);
    if (table === null)
      throw new UsageError("The demo model has no table: run npm run models -- calibrate demo --table.");
    const described = await circumstances(command, demoModel);
    const began = performance.now();
    const prompts: PromiseResults["prompts"] = [];
    for (const { prompt, seed } of heldOut.slice(0, count)) {
      const make = (cache: unknown) =>
        pipeline.generate(resolveRequest({ prompt, seed, cache: cache as "off" }, pipeline));
      policy = null;
      const plain = await make("off");
      const promised = [];
      for (const decibels of DECIBELS)
        promised.push(videoOf(plain.frames, await make({ at_least: decibels })));
      const counted = [];
      for (const computed of COMPUTED_STEPS)
        counted.push(computedOf(await make({ computed_steps: computed })));
      const timed = [];
      for (const share of TIME_SHARES) {
        const asked = Number((share * secondsOf(plain)).toFixed(3));
        const generation = await make({ at_most: asked }).catch(unlessRefused);
        if (generation) timed.push({ asked, taken: secondsOf(generation) });
      }
      const settings = [];
      for (const budget of BUDGETS) {
        policy = budgetOfDamage(table, budget);
        settings.push(videoOf(plain.frames, await make("off")));
      }
      prompts.push({ text: prompt, seed, promised, settings, counted, timed });
      const minutes = (performance.now() - began) / 60_000;
      const left = (minutes / prompts.length) * (count - prompts.length);
      process.stderr.write(`${prompts.length}/${count} ${prompt} (${left.toFixed(1)} min left)\n`);
    }
    const results: PromiseResults = {
      kind: "promises",
      circumstances: described,
      minutes: (performance.now() - began) / 60_000,
      steps: pipeline.limits.steps,
      decibels: DECIBELS,
      computedSteps: COMPUTED_STEPS,
      prompts,
    };
    await writeText(join(resultsFolder, "promises.json"), `${JSON.stringify(results, null, 1)}\n`);
    return results;
  } finally {
    await pipeline.close();
  }
}

/** Returns null for a promise that was refused, as it is where the machine is too slow at that moment. */
function unlessRefused(error: unknown): null {
  if (error instanceof RequestError) return null;
  throw error;
}

function videoOf(plain: Frames, generation: Generation) {
  const difference = psnr(plain, generation.frames);
  return { computed: computedOf(generation), psnr: difference === Infinity ? null : difference };
}

function computedOf({ trace }: Pick<Generation, "trace">): number {
  return trace.schedule.filter(({ computed }) => computed).length;
}

function secondsOf({ seconds }: Pick<Generation, "seconds">): number {
  return seconds.encode + seconds.denoise + seconds.decode;
}
