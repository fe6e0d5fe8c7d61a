import { basename, join } from "node:path";
import { autoencoderOf, describeModel, measurePreviewMap } from "../../lib/generation/pipeline/index.ts";
import {
  type FittedMap,
  MapLearner,
  PREVIEW_FILE,
  type PreviewFile,
} from "../../lib/generation/preview/index.ts";
import { parseRequest, resolveRequest } from "../../lib/generation/request/index.ts";
import { writeFileAtomically } from "../../lib/generation/video/index.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";
import { reasonOf } from "../../lib/shared/reason-of.ts";
import { counted } from "../../lib/shared/sentences/index.ts";
import { VERSION } from "../../lib/shared/version.ts";
import {
  type CalibrateOptions,
  commandOf,
  precisionIn,
  promptsFor,
  refuseTargets,
} from "./calibrate-options.ts";
import type { LocalCommand } from "./local-models.ts";

/** `npm run models -- calibrate --preview`: fits the map that previews are drawn through. */

const PROMPTS_MAX = 64;
/** Videos of another calibration that a map is learnt from: as many different ones as a table begins with. */
const VIDEOS_MAX = 16;
const DIGITS = 6;

/**
 * Makes a few videos, fits the map to them, and writes it into the model's folder.
 *
 * @throws UsageError, CheckpointError, RequestError
 */
export async function calibratePreview(
  path: string,
  options: CalibrateOptions,
  { place, display }: LocalCommand,
): Promise<void> {
  refuseTargets(options, "--preview");
  const { name, limits } = await describeModel(path);
  const prompts = await promptsFor(path, options, { place, most: PROMPTS_MAX });
  const steps = options.steps === undefined ? {} : { steps: Number(options.steps) };
  const requests = prompts.map(({ prompt, seed }) =>
    resolveRequest({ ...parseRequest({ prompt, seed, ...steps }), seed }, { model: name, limits }),
  );
  const fitted = await measurePreviewMap(path, {
    requests,
    options: precisionIn(options),
    onProgress: (index) => display.say(`making video ${index + 1} of ${requests.length}`),
  });
  display.clear();
  if (fitted === null)
    throw new UsageError(
      `The videos of ${name} are too small to fit a map to: give more prompts with --prompts.`,
    );
  const out = options.out === undefined ? join(path, PREVIEW_FILE) : place(options.out);
  await writeMap(out, await fileOf(path, fitted, commandOf(name, "--preview", options)));
  process.stderr.write(`Wrote ${basename(out)}. ${summary(fitted)}\n`);
}

/** Learns the map beside another calibration, from the videos which that makes. */
export function previewBeside(prompts: number): Pick<MapLearner, "add"> & {
  write(path: string, command: string): Promise<void>;
} {
  const learner = new MapLearner({ videosMax: Math.min(VIDEOS_MAX, prompts) });
  return {
    add: (...made) => learner.add(...made),
    /** Writes the map, if the model's folder has none that fits. */
    async write(path, command) {
      const fitted = learner.learnt();
      const { found } = await autoencoderOf(path);
      if (fitted === null || (found && "file" in found)) return;
      try {
        await writeMap(join(path, PREVIEW_FILE), await fileOf(path, fitted, command));
        process.stderr.write(`Wrote ${PREVIEW_FILE} too, for previews. ${summary(fitted)}\n`);
      } catch (error) {
        process.stderr.write(`${PREVIEW_FILE}, for previews, could not be written: ${reasonOf(error)}.\n`);
      }
    },
  };
}

async function fileOf(
  path: string,
  { map, error, ...from }: FittedMap,
  command: string,
): Promise<PreviewFile> {
  const { madeFor } = await autoencoderOf(path);
  const measured = { adareel: VERSION, date: new Date().toISOString(), command, ...from, ...error };
  return { kind: "preview map", version: 1, madeFor, measured, map: copyOf(map) };
}

function copyOf({ matrix, offset, ...map }: FittedMap["map"]): PreviewFile["map"] {
  return { ...map, matrix: matrix.map((row) => [...row]), offset: [...offset] };
}

/** Writes a line for each list of numbers. */
async function writeMap(out: string, file: PreviewFile): Promise<void> {
  const rounded = (_: string, value: unknown) =>
    typeof value === "number" ? Number(value.toPrecision(DIGITS)) : value;
  const text = JSON.stringify(file, rounded, 1).replaceAll(
    /\[\s+([-\d.e,\s]+?)\s+\]/g,
    (_, numbers: string) => `[${numbers.replaceAll(/\s+/g, "")}]`,
  );
  await writeFileAtomically(out, new TextEncoder().encode(`${text}\n`));
}

function summary({ error: { rms, r2 }, positions, videos }: FittedMap): string {
  const off = `off by ${rms.toFixed(1)} of 255 (RMS), and explain ${(100 * r2).toFixed(1)} % of the variance`;
  return `Fitted to ${positions} positions of ${counted(videos, "video")}, its previews are ${off}.`;
}
