import type { Circumstances } from "../machine.ts";
import { table } from "../markdown.ts";
import { PICTURED_STEPS, type PicturedRow, picturedPrompts, told } from "./pictured.ts";

/** File name of the picture, in the folder of the document. */
export const PICTURE_FILE = "benchmarks-pictures.webp";

/** Writes the section of the benchmarks document that shows the picture, and repeats its numbers as text. */
export function pictureReport(
  rows: readonly PicturedRow[],
  { command, date, model }: Pick<Circumstances, "command" | "date" | "model">,
): string {
  const frames = rows[0]!.videos[0]!.frames.count;
  const wholeModel = model ? `, with the model ${model.name} (sha256 ${model.sha256.slice(0, 16)})` : "";
  return [
    "## Caching: pictures",
    `![Four frames of ${picturedPrompts.length} videos without cache and under ${rows.length - 1} methods that compute less](${PICTURE_FILE})`,
    `${picturedPrompts.length} prompts, each with its seed: four of the ${frames} frames of each video, from the first to the
last. Below are the computed steps, and PSNR and SSIM over all frames against the video without cache at ${PICTURED_STEPS} steps.`,
    table(
      ["Method", ...picturedPrompts.map(({ text, seed }) => `${text}, seed ${seed}`)],
      rows.map(({ method, videos }) => [method, ...videos.map(told)]),
      [0, ...picturedPrompts.map((_, index) => index + 1)],
    ),
    `Made by \`${command}\`, ${date}${wholeModel}.`,
  ].join("\n\n");
}
