import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import type { CachePolicy } from "../../../lib/generation/caching/index.ts";
import { type Precision, precisions } from "../../../lib/generation/onnx/index.ts";
import { openPipeline } from "../../../lib/generation/pipeline/index.ts";
import { policyOf, resolveRequest } from "../../../lib/generation/request/index.ts";
import { type Frames, psnr } from "../../../lib/generation/video/index.ts";
import { UsageError } from "../../../lib/shared/command-line/index.ts";
import { errorTableIn } from "../error-table.ts";
import { circumstances } from "../machine.ts";
import { demoModel, docsFolder, positiveInteger, resultsFolder, userPath, type Written } from "../options.ts";
import { timedBy } from "../policies/clock.ts";
import { evaluationPrompts, type PolicyPrompt, readPrompts } from "../policies/prompts.ts";
import { readResults, updateDocument, writeText } from "../results-file.ts";
import { say } from "../rounds.ts";
import { precisionReport } from "./report.ts";
import { type PrecisionResults, type PrecisionVideo, precisionResultsSchema } from "./results.ts";

/** Prompts of a run that is not told how many. */
const USUAL_RUN = 8;
const QUICK_RUN = 2;
/** Distance of the measured prompts in their list: odd, so that scenes and motions alternate and none comes twice. */
const STRIDE = 5;

/** A cache policy. */
export interface Setting {
  readonly name: string;
  readonly cache: { readonly policy: string; readonly motion_regularisation?: boolean };
  /** True for a policy that plans by the model's table, and cannot be measured without one. */
  readonly needsTable: boolean;
}

/** Measured settings. The first is without cache. */
export const SETTINGS: readonly Setting[] = [
  { name: "no cache", cache: { policy: "off" }, needsTable: false },
  ...["slow", "fast"].flatMap((policy) => [
    { name: `AdaCache ${policy}`, cache: { policy, motion_regularisation: false }, needsTable: false },
    {
      name: `AdaCache ${policy}, motion`,
      cache: { policy, motion_regularisation: true },
      needsTable: false,
    },
  ]),
  { name: "auto, without a table", cache: { policy: "auto" }, needsTable: false },
  ...[
    "auto",
    "at_least:40dB",
    "at_least:35dB",
    "at_least:30dB",
    "computed_steps:17",
    "computed_steps:10",
  ].map((policy) => ({ name: policy, cache: { policy }, needsTable: true })),
];

/**
 * Runs `precision`: every cache level in float32 and in another precision, compared with float32 without cache.
 * Measurements are written after every prompt. A run of the demo in int8 that is not quick writes its report to docs/,
 * which says how many prompts it measured.
 */
export async function runPrecision({
  values,
  args,
}: Written<"model" | "prompts" | "precision" | "count" | "from"> & {
  readonly values: { readonly resume: boolean };
}): Promise<void> {
  const results = values.from
    ? await readResults(userPath(values.from), precisionResultsSchema)
    : await measure(values, ["precision", ...args]);
  const isDocumented =
    !values.quick && results.precision === "int8" && results.circumstances.model?.name === "demo";
  const folder = isDocumented ? docsFolder : resultsFolder;
  await updateDocument(join(folder, "benchmarks.md"), "precision", precisionReport(results));
  process.stdout.write(`Wrote ${join(folder, "benchmarks.md")}.\n`);
}

async function measure(
  { model, prompts, precision, count, quick, resume }: Parameters<typeof runPrecision>[0]["values"],
  command: readonly string[],
): Promise<PrecisionResults> {
  const folder = model === undefined ? demoModel : userPath(model);
  const usual = quick ? QUICK_RUN : USUAL_RUN;
  const list = prompts === undefined ? spread(evaluationPrompts) : readPrompts(userPath(prompts));
  const many = count === undefined ? usual : positiveInteger("count", count, list.length);
  const file = join(resultsFolder, "precision.json");
  return measurePrecision({
    folder,
    earlier: resume && existsSync(file) ? await readResults(file, precisionResultsSchema) : null,
    precision: narrowPrecision(precision ?? "int8"),
    prompts: list.slice(0, many),
    circumstances: await circumstances(command, folder),
    save: (results) => writeText(file, `${JSON.stringify(results, null, 1)}\n`),
  });
}

/** @throws UsageError unless the text is a precision other than float32 */
export function narrowPrecision(text: string): Precision {
  const narrow = precisions.filter((one) => one !== "float32");
  const found = narrow.find((one) => one === text);
  if (found) return found;
  throw new UsageError(`--precision must be ${narrow.join(" or ")}, got ${JSON.stringify(text)}.`);
}

function spread(prompts: readonly PolicyPrompt[]): PolicyPrompt[] {
  return prompts.map((_, index) => prompts[(index * STRIDE) % prompts.length]!);
}

export interface PrecisionMeasurement {
  /** Model folder. */
  readonly folder: string;
  readonly precision: Precision;
  readonly prompts: readonly Pick<PolicyPrompt, "text" | "seed">[];
  readonly circumstances: PrecisionResults["circumstances"];
  readonly settings?: readonly Setting[];
  /** Results that are gone on with. */
  readonly earlier?: PrecisionResults | null;
  /** Keeps the results so far, after every prompt. */
  save(results: PrecisionResults): Promise<void>;
}

/**
 * Makes every video in both precisions, one right after the other, on one thread.
 *
 * @throws UsageError if the earlier results are of another model, precision or settings
 */
export async function measurePrecision({
  folder,
  precision,
  prompts,
  circumstances,
  settings = SETTINGS,
  earlier = null,
  save,
}: PrecisionMeasurement): Promise<PrecisionResults> {
  const table = await errorTableIn(folder);
  const measured = settings.filter(({ needsTable }) => table !== null || !needsTable);
  const names = measured.map(({ name }) => name);
  if (earlier && !goesOn(earlier, { precision, circumstances, settings: names }))
    throw new UsageError(
      "The earlier results are of another model, precision or settings: measure anew, without --resume.",
    );
  let policy: CachePolicy | null = null;
  const observer = { signals: [], through: <S>(sessions: S) => sessions, policy: () => policy };
  const [exact, narrow] = [
    await openPipeline(folder, { threads: 1 }, observer),
    await openPipeline(folder, { threads: 1, precision }, observer),
  ];
  const results: PrecisionResults = {
    kind: "precision",
    circumstances,
    minutes: earlier?.minutes ?? 0,
    steps: exact.limits.steps,
    precision,
    settings: names,
    prompts: [...(earlier?.prompts ?? [])],
  };
  const isDone = ({ text, seed }: (typeof prompts)[number]) =>
    results.prompts.some((done) => done.text === text && done.seed === seed);
  const missing = prompts.filter((prompt) => !isDone(prompt));
  let begun = performance.now();
  try {
    for (const [index, { text, seed }] of missing.entries()) {
      let uncached: Frames | null = null;
      const made = async (on: typeof exact, { cache, needsTable }: Setting): Promise<PrecisionVideo> => {
        const request = resolveRequest({ prompt: text, seed, cache }, on);
        // Both precisions plan by the same table, or not at all.
        policy = policyOf(request, { precision: "float32", table: needsTable ? table : null });
        const { generation, denoiseSeconds } = await timedBy("cpu", on, request);
        uncached ??= generation.frames;
        const difference = psnr(uncached, generation.frames);
        return {
          computed: generation.trace.schedule.flatMap(({ computed }, step) => (computed ? [step] : [])),
          psnr: difference === Infinity ? null : difference,
          denoiseSeconds,
        };
      };
      const videos: PrecisionResults["prompts"][number]["videos"] = [];
      for (const setting of measured)
        videos.push({ float32: await made(exact, setting), narrow: await made(narrow, setting) });
      results.prompts.push({ text, seed, videos });
      results.minutes += (performance.now() - begun) / 60_000;
      begun = performance.now();
      await save(results);
      say(`${index + 1}/${missing.length} ${text} (${results.minutes.toFixed(1)} min in all)`);
    }
    return results;
  } finally {
    for (const pipeline of [exact, narrow]) await pipeline.close();
  }
}

/** Returns whether earlier results were measured with the same weights, precision and settings. */
function goesOn(
  earlier: PrecisionResults,
  begun: Pick<PrecisionResults, "precision" | "circumstances" | "settings">,
): boolean {
  const facts = ({ precision, circumstances, settings }: typeof begun) => [
    precision,
    circumstances.model?.sha256,
    settings,
  ];
  return isDeepStrictEqual(facts(earlier), facts(begun));
}
