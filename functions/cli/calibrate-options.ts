import { basename } from "node:path";
import { openModelFolder } from "../../lib/generation/checkpoint/index.ts";
import type { Precision } from "../../lib/generation/onnx/index.ts";
import type { PipelineOptions } from "../../lib/generation/pipeline/index.ts";
import { type CalibrationPrompt, DEMO_TABLE_PROMPTS, TABLE_PROMPTS } from "./calibration-prompts.ts";

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

/** Returns prompts in words that the model knows. */
export async function defaultPrompts(path: string): Promise<readonly CalibrationPrompt[]> {
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
