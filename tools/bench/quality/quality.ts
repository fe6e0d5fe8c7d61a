import { join } from "node:path";
import { type Generation, openPipeline, type Pipeline } from "../../../lib/generation/pipeline/index.ts";
import { resolveRequest } from "../../../lib/generation/request/index.ts";
import { type Frames, psnr, ssim } from "../../../lib/generation/video/index.ts";
import { circumstances } from "../machine.ts";
import { type Method, methodsFor, STEP_COUNTS } from "../methods.ts";
import { demoModel, docsFolder, positiveInteger, resultsFolder, userPath, type Written } from "../options.ts";
import { readResults, updateDocument, writeText } from "../results-file.ts";
import { mean } from "../statistics.ts";
import { qualityChart } from "./chart.ts";
import { CHART_FILE, qualityReport } from "./report.ts";
import { type QualityResults, type QualityRun, qualityResultsSchema } from "./results.ts";
import { type BenchmarkPrompt, benchmarkPrompts, FULL_ROUND, MOTIONS } from "./scenes.ts";

const MOST_PROMPTS = 1000;

/**
 * Runs `quality [--model DIR] [--prompts N] [--quick] [--from FILE]`: every method on every prompt, compared
 * with no cache.
 *
 * A full round of prompts is written to docs/, a smaller one to out/bench with its measurements.
 */
export async function runQuality({ values, args }: Written<"model" | "prompts" | "from">): Promise<void> {
  const quick = values.quick ? { count: MOTIONS.length, stepCounts: STEP_COUNTS.slice(0, 1) } : null;
  const count =
    values.prompts === undefined
      ? (quick?.count ?? FULL_ROUND)
      : positiveInteger("prompts", values.prompts, MOST_PROMPTS);
  const results = values.from
    ? await readResults(userPath(values.from), qualityResultsSchema)
    : await measureQuality(
        values.model === undefined ? demoModel : userPath(values.model),
        benchmarkPrompts(count),
        quick?.stepCounts ?? STEP_COUNTS,
        ["quality", ...args],
      );
  const isWhole = results.prompts.length >= FULL_ROUND && results.runs.some(({ steps }) => steps === 100);
  const folder = isWhole ? docsFolder : resultsFolder;
  await updateDocument(join(folder, "benchmarks.md"), "quality", qualityReport(results));
  await writeText(join(folder, CHART_FILE), qualityChart(results));
  process.stdout.write(`Wrote ${join(folder, "benchmarks.md")} and ${CHART_FILE} beside it.\n`);
}

async function measureQuality(
  folder: string,
  prompts: readonly BenchmarkPrompt[],
  stepCounts: readonly number[],
  command: readonly string[],
): Promise<QualityResults> {
  const pipeline = await openPipeline(folder);
  try {
    const described = await circumstances(command, folder);
    const began = performance.now();
    const minutes = () => (performance.now() - began) / 60_000;
    const opening = { prompt: prompts[0]!.text, seed: 0, steps: 3, cache: "off" };
    await pipeline.generate(resolveRequest(opening, pipeline));
    const runs: QualityRun[] = [];
    for (const [index, prompt] of prompts.entries()) {
      const measured = await measurePrompt(pipeline, prompt, stepCounts, index);
      runs.push(...measured.map((run) => ({ prompt: index, ...run })));
      const left = (minutes() / (index + 1)) * (prompts.length - index - 1);
      process.stderr.write(`${index + 1}/${prompts.length} ${prompt.text} (${left.toFixed(1)} min left)\n`);
    }
    const results: QualityResults = {
      kind: "quality",
      circumstances: described,
      minutes: minutes(),
      prompts: [...prompts],
      runs,
    };
    await writeText(join(resultsFolder, "quality.json"), `${JSON.stringify(results, null, 1)}\n`);
    return results;
  } finally {
    await pipeline.close();
  }
}

interface Timed {
  readonly frames: Frames;
  readonly denoiseSeconds: number;
  readonly computed: number;
}

/**
 * Measures all methods on one prompt, between two runs of each reference: the machine's speed may drift. The
 * order rotates with every prompt, so that no method always comes first.
 */
async function measurePrompt(
  pipeline: Pipeline,
  { text, seed }: BenchmarkPrompt,
  stepCounts: readonly number[],
  turn: number,
): Promise<Omit<QualityRun, "prompt">[]> {
  const generate = async (request: Method["request"]): Promise<Timed> =>
    timed(await pipeline.generate(resolveRequest({ prompt: text, seed, ...request }, pipeline)));
  const reference = (steps: number) => generate(methodsFor(steps)[0]!.request);
  const compared = stepCounts.flatMap((steps) => methodsFor(steps).map((method) => ({ steps, method })));

  const before = new Map<number, Timed>();
  for (const steps of stepCounts) before.set(steps, await reference(steps));
  // A plain sampler may be compared with two references; it is generated once.
  const requests = new Map(
    compared
      .filter(({ method }) => method.family !== "none")
      .map(({ method }) => [keyOf(method), method.request]),
  );
  const generated = new Map<string, Timed>();
  for (const [key, request] of rotate([...requests], turn)) generated.set(key, await generate(request));
  const after = new Map<number, Timed>();
  for (const steps of stepCounts) after.set(steps, await reference(steps));

  return compared.map(({ steps, method }) => {
    const first = before.get(steps)!;
    const again = after.get(steps)!;
    const isReference = method.family === "none";
    const run = isReference ? again : generated.get(keyOf(method))!;
    const difference = psnr(first.frames, run.frames);
    return {
      steps,
      method: method.name,
      computed: run.computed,
      denoiseSeconds: run.denoiseSeconds,
      referenceSeconds: isReference
        ? first.denoiseSeconds
        : mean([first.denoiseSeconds, again.denoiseSeconds]),
      psnr: difference === Infinity ? null : difference,
      ssim: ssim(first.frames, run.frames),
    };
  });
}

function timed({ frames, seconds, trace }: Generation): Timed {
  return {
    frames,
    denoiseSeconds: seconds.denoise,
    computed: trace.schedule.filter((step) => step.computed).length,
  };
}

function keyOf({ request }: Method): string {
  return [request.steps, ...Object.values(request.cache)].join();
}

function rotate<T>(items: readonly T[], by: number): T[] {
  const at = by % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}
