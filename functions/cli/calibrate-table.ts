import { basename, join } from "node:path";
import { keptShare, promiseCost, TABLE_FILE, type TableFile } from "../../lib/generation/caching/index.ts";
import {
  describeModel,
  type MeasuredTable,
  measureTable,
  STEPS_MIN,
  type TableProgress,
} from "../../lib/generation/pipeline/index.ts";
import { parseRequest, resolveRequest } from "../../lib/generation/request/index.ts";
import { writeFileAtomically } from "../../lib/generation/video/index.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";
import { VERSION } from "../../lib/shared/version.ts";
import {
  type CalibrateOptions,
  commandOf,
  precisionIn,
  promptsFor,
  refuseTargets,
} from "./calibrate-options.ts";
import { previewBeside } from "./calibrate-preview.ts";
import type { LocalCommand } from "./local-models.ts";

/** `npm run models -- calibrate --table`: measures what reuse costs a model, so that promises in dB can be kept. */

const PROMPTS_MAX = 512;
const STEP_COUNTS_MAX = 16;
/** Fewest prompts that can promise as much as any number. */
const PROMPTS_FOR_ALL = 19;
/** Promises whose cost the summary tells. */
const PROMISES_DB = [30, 35, 40, 45];
const STAGES: Readonly<Record<TableProgress["stage"], string>> = {
  moments: "measuring how steps resemble each other",
  amplification: "measuring what becomes of errors",
  ladders: "measuring what budgets come to",
};

/**
 * Measures the table of a model and writes it into the model's folder, after each number of steps anew.
 *
 * @throws UsageError, CheckpointError, RequestError
 */
export async function calibrateTable(
  path: string,
  options: CalibrateOptions,
  { place, display }: LocalCommand,
): Promise<void> {
  refuseTargets(options, "--table");
  const { name, limits } = await describeModel(path);
  const steps = stepsIn(options.steps ?? String(limits.steps));
  const prompts = await promptsFor(path, options, { place, most: PROMPTS_MAX });
  const requests = prompts.map(({ prompt, seed }) =>
    resolveRequest(
      { ...parseRequest({ prompt, seed, steps: steps.at(-1)!, cache: "off" }), seed },
      { model: name, limits },
    ),
  );
  const out = options.out === undefined ? join(path, TABLE_FILE) : place(options.out);
  const origin = {
    adareel: VERSION,
    date: new Date().toISOString(),
    command: commandOf(name, "--table", options),
    prompts: [...prompts],
  };

  const begun = performance.now();
  const preview = previewBeside(prompts.length);
  let told = "";
  const tell = ({ stage, done }: TableProgress) => {
    const text = `${STAGES[stage]}, ${Math.floor(100 * done)} %`;
    if (text !== told) display.say(`${text}${left(done, performance.now() - begun)}`);
    told = text;
  };
  const { table } = await measureTable(path, {
    requests,
    steps,
    usualSteps: limits.steps,
    options: precisionIn(options),
    onProgress: tell,
    onVideo: preview.add,
    onLadder: (measured) => writeFileAtomically(out, new TextEncoder().encode(tableText(measured, origin))),
  });
  display.clear();
  process.stderr.write(summary(basename(out), { table, prompts: prompts.length }));
  await preview.write(path, origin.command);
}

function stepsIn(text: string): number[] {
  const steps = text.split(",").map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN));
  if (steps.some(Number.isNaN) || steps.length > STEP_COUNTS_MAX)
    throw new UsageError(
      `--steps takes 1 to ${STEP_COUNTS_MAX} whole numbers such as 20,30,50 with --table, not ${JSON.stringify(text)}.`,
    );
  const few = steps.find((count) => count < STEPS_MIN);
  if (few !== undefined)
    throw new UsageError(
      `A table needs at least ${STEPS_MIN} steps, not ${few}: with so few, nothing is saved.`,
    );
  return [...new Set(steps)].toSorted((a, b) => a - b);
}

function left(done: number, elapsedMs: number): string {
  if (done === 0) return "";
  return `, ${Math.ceil((elapsedMs * (1 - done)) / done / 60_000)} min left`;
}

/** Writes the file with a line for each list of numbers, so that a change of it can be read. */
function tableText({ table, madeFor }: MeasuredTable, origin: Omit<TableFile["measured"], "steps">): string {
  const measured = { ...origin, steps: table.ladders.map(({ steps }) => steps) };
  const file: TableFile = { kind: "cache table", version: 1, madeFor, measured, table };
  const text = JSON.stringify(file, null, 1);
  return `${text.replaceAll(/\[\s+([-\d.e,\s]+?)\s+\]/g, (_, numbers: string) => `[${numbers.replaceAll(/\s+/g, "")}]`)}\n`;
}

function summary(
  file: string,
  { table, prompts }: { table: MeasuredTable["table"]; prompts: number },
): string {
  const share = Math.floor(100 * keptShare(prompts) + 1e-9);
  const lines = table.ladders.map((ladder) => {
    const costs = PROMISES_DB.map((decibels) => {
      const cost = promiseCost(table, ladder, decibels);
      return `at_least ${decibels} dB ${cost === null ? "cannot be promised" : `computes ${cost.toFixed(1)}`}`;
    });
    return `Of ${ladder.steps} steps, ${costs.join(", ")}.\n`;
  });
  const more = prompts < PROMPTS_FOR_ALL ? `; ${PROMPTS_FOR_ALL} prompts can promise it for 95 %` : "";
  const count = `${prompts} ${prompts === 1 ? "prompt" : "prompts"}`;
  return `Wrote ${file}. Measured with ${count}, a promise is kept for ${share} % of videos like these${more}.\n${lines.join("")}`;
}
