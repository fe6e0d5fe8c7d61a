import { basename } from "node:path";
import { openModelFolder } from "../../lib/generation/checkpoint/index.ts";
import type { Precision } from "../../lib/generation/onnx/index.ts";
import type { PipelineOptions } from "../../lib/generation/pipeline/index.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";
import {
  type CalibrationPrompt,
  DEMO_TABLE_PROMPTS,
  promptsIn,
  TABLE_PROMPTS,
} from "./calibration-prompts.ts";

/** Options that the calibrations of a model share, and what follows from them. */

export interface CalibrateOptions {
  readonly steps?: string | undefined;
  readonly speedup?: string | undefined;
  readonly error?: string | undefined;
  readonly prompts?: string | undefined;
  readonly out?: string | undefined;
  readonly precision?: Precision | undefined;
}

/** Returns the options of the pipeline that is measured. */
export function precisionIn({ precision }: CalibrateOptions): PipelineOptions {
  return precision === undefined ? {} : { precision };
}

/** @throws UsageError if a target for codebooks is given with the flag of a calibration that has none */
export function refuseTargets(options: CalibrateOptions, flag: string): void {
  for (const other of ["speedup", "error"] as const)
    if (options[other] !== undefined)
      throw new UsageError(`--${other} is for codebooks: leave it out with ${flag}.`);
}

/**
 * Returns the prompts that are asked for, or else some in words that the model knows.
 *
 * @param place  returns the path that a user's path means
 * @throws UsageError if there are more than `most`, or they cannot be read
 */
export async function promptsFor(
  path: string,
  { prompts }: CalibrateOptions,
  { place, most }: { readonly place: (path: string) => string; readonly most: number },
): Promise<readonly CalibrationPrompt[]> {
  return prompts ? promptsIn(place(prompts), most) : defaultPrompts(path);
}

async function defaultPrompts(path: string): Promise<readonly CalibrationPrompt[]> {
  const { video } = (await openModelFolder(path)).index as { video?: { vocabulary?: unknown } };
  return video?.vocabulary === "words" ? DEMO_TABLE_PROMPTS : TABLE_PROMPTS;
}

/** Returns the command as it can be repeated, without the folders of this machine. */
export function commandOf(
  name: string,
  flag: string | null,
  { steps, prompts, precision }: CalibrateOptions,
): string {
  const given = [
    ...(flag === null ? [] : [flag]),
    ...(precision === undefined ? [] : ["--precision", precision]),
    ...(steps === undefined ? [] : ["--steps", steps]),
    ...(prompts === undefined ? [] : ["--prompts", basename(prompts)]),
  ];
  return ["npm run models -- calibrate", name, ...given].join(" ");
}
