import {
  type CalibrationAim,
  type CodebookFile,
  type ProposedCodebook,
  proposeCodebook,
} from "../../lib/generation/caching/index.ts";
import { describeModel, measureReuse } from "../../lib/generation/pipeline/index.ts";
import { parseRequest, resolveRequest } from "../../lib/generation/request/index.ts";
import { writeFileAtomically } from "../../lib/generation/video/index.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";
import { type CalibrateOptions, commandOf, precisionIn } from "./calibrate-options.ts";
import { previewBeside } from "./calibrate-preview.ts";
import { CODEBOOK_PROMPTS, promptsIn } from "./calibration-prompts.ts";
import type { LocalCommand } from "./local-models.ts";

/** `npm run models -- calibrate`: proposes a codebook for a model that has no published one. */

/** Earlier steps whose reuse is measured at each step. The authors' codebooks reach 5 at 30 steps, 11 at 100. */
const REACH_FEW_STEPS = 5;
const REACH_MANY_STEPS = 11;
const MANY_STEPS = 55;

/**
 * Runs prompts with every step computed, measures the error of reuse, and prints or writes a codebook.
 *
 * @throws UsageError, CheckpointError, RequestError
 */
export async function calibrate(
  path: string,
  options: CalibrateOptions,
  { place, display, print }: LocalCommand,
): Promise<void> {
  const aim = aimOf(options);
  const { name, limits } = await describeModel(path);
  const steps = options.steps === undefined ? limits.steps : positive("steps", options.steps);
  const prompts = options.prompts === undefined ? CODEBOOK_PROMPTS : promptsIn(place(options.prompts), 64);
  const requests = prompts.map(({ seed, ...request }) =>
    resolveRequest({ ...parseRequest({ ...request, seed, steps }), seed }, { model: name, limits }),
  );
  const reach = steps < MANY_STEPS ? REACH_FEW_STEPS : REACH_MANY_STEPS;
  let begun = -1;
  const preview = previewBeside(requests.length);
  const runs = await measureReuse(path, {
    requests,
    reach,
    options: precisionIn(options),
    onVideo: preview.add,
    onProgress(request) {
      if (request !== begun) display.say(`measuring prompt ${request + 1} of ${requests.length}`);
      begun = request;
    },
  });
  display.clear();
  const proposed = proposeCodebook(runs, aim, reach + 1);
  if (!proposed) {
    throw new UsageError(
      `No codebook for ${steps} steps reaches this target with ${name}: give a lower --speedup or a higher --error.`,
    );
  }
  const text = codebookText(proposed, { name, steps, prompts: requests.length });
  if (options.out === undefined) print(text);
  else await writeFileAtomically(place(options.out), new TextEncoder().encode(text));
  const file = options.out ?? "FILE.json";
  process.stderr.write(`Expect ${described(proposed)}; use it with generate --cache ${file}.\n`);
  await preview.write(path, commandOf(name, null, options));
}

function aimOf({ speedup, error }: CalibrateOptions): CalibrationAim {
  if (speedup !== undefined && error !== undefined) {
    throw new UsageError("Give a target with --speedup or with --error, not with both.");
  }
  if (error !== undefined) return { error: positive("error", error) };
  return { speedup: positive("speedup", speedup ?? "2") };
}

function positive(name: string, text: string): number {
  if (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0) return Number(text);
  throw new UsageError(`--${name} takes a number above 0, not ${JSON.stringify(text)}.`);
}

function codebookText(
  proposed: ProposedCodebook,
  { name, steps, prompts }: { name: string; steps: number; prompts: number },
): string {
  const file: CodebookFile = {
    name: `${name}, ${steps} steps`.slice(0, 80),
    origin: `models calibrate, ${prompts} prompts of ${steps} steps: ${described(proposed)}`,
    codebook: proposed.codebook.map(({ below, rate }) => (below === null ? { rate } : { below, rate })),
    motion: proposed.motion,
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

function described({ speedup, error }: ProposedCodebook): string {
  return `${speedup.toFixed(2)} steps for each computed one, weighted error ${error.toFixed(4)}`;
}
