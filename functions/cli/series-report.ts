import { savings } from "../../lib/generation/pipeline/index.ts";
import { shownPath } from "../../lib/shared/shown-path.ts";
import {
  type Denoising,
  denoisingOf,
  differenceOf,
  fasterLine,
  inSeconds,
  insteadOf,
  noticesOf,
  promiseLines,
  type Result,
  settingsOf,
  shapeOf,
} from "./report.ts";

/** Report of several videos of one command: a line for each, and a summary. */

/** Facts of one video. They are kept to the end, when its frames are long gone. */
export interface Outcome {
  readonly path: string;
  readonly seed: number;
  /** Steps, such as `11 of 30 steps computed`. */
  readonly steps: string;
  readonly denoising: Denoising | null;
  readonly denoiseSeconds: number;
  /** Line about the promise; empty without one. */
  readonly promise: readonly string[];
  /** Seconds of all stages. */
  readonly seconds: number;
  /** Difference from the video without cache, and the page that shows it; null without a comparison. */
  readonly compared: { readonly difference: string; readonly page: string } | null;
  /** Facts that all videos of a command share. */
  readonly shared: { readonly shape: string; readonly settings: string; readonly notices: readonly string[] };
}

export function outcomeOf(result: Result): Outcome {
  const { generation, video, writeSeconds, comparison } = result;
  const { request, trace, seconds } = generation;
  return {
    path: video.path,
    seed: request.seed,
    steps: `${savings(generation).computed} of ${trace.steps} steps computed`,
    denoising: denoisingOf(result),
    denoiseSeconds: seconds.denoise,
    promise: promiseLines(generation),
    seconds: Object.values(seconds).reduce((sum, each) => sum + each, writeSeconds),
    compared: comparison && { difference: differenceOf(comparison), page: comparison.page },
    shared: {
      shape: shapeOf(generation),
      settings: [`model ${trace.model}`, ...settingsOf(generation)].join(", "),
      notices: noticesOf(generation),
    },
  };
}

/** Returns the line of one video. */
export function videoLine(
  { path, seed, steps, denoising, denoiseSeconds, promise, compared }: Outcome,
  folder: string,
): string {
  const time = denoising ? insteadOf(denoising) : `denoise ${inSeconds(denoiseSeconds)}`;
  const facts = [`seed ${seed}`, steps, time, ...promise];
  const end = compared ? `; ${compared.difference} (${shownPath(compared.page, folder)})` : "";
  return `${shownPath(path, folder)}: ${facts.join(", ")}${end}\n`;
}

/** Returns the summary of all videos. */
export function seriesReport(outcomes: readonly Outcome[]): string {
  const { shape, settings, notices } = outcomes[0]!.shared;
  const denoised = outcomes.flatMap(({ denoising }) => denoising ?? []);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const total: Denoising = {
    seconds: sum(denoised.map(({ seconds }) => seconds)),
    uncachedSeconds: sum(denoised.map(({ uncachedSeconds }) => uncachedSeconds)),
    isEstimate: denoised.some(({ isEstimate }) => isEstimate),
  };
  const all = `${inSeconds(sum(outcomes.map(({ seconds }) => seconds)))} in all`;
  const lines = [
    `${outcomes.length} videos: ${shape}, ${settings}`,
    ...notices,
    denoised.length > 0 ? `${fasterLine(total)}; ${all}` : all,
  ];
  return `${lines.join("\n")}\n`;
}
