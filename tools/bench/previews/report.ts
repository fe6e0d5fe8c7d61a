import { describeCircumstances } from "../machine.ts";
import { table } from "../markdown.ts";
import type { PreviewResults } from "./results.ts";

/** Steps after which the table tells how near a preview is. */
const STEPS = [1, 2, 3, 5, 8, 10, 15, 20, 25];

/** Writes the section on previews as Markdown, from the measurements only. */
export function previewReport({ circumstances, demo, sizes, encoded }: PreviewResults): string {
  const steps = STEPS.filter((step) => step <= demo.psnr.length);
  return [
    "## Previews",
    "",
    "What a preview of the clean latent costs, how early it shows the video, and how many bytes it takes.",
    "",
    table(
      ["map", "preview", "positions", "processor time, ms", "copied, kB"],
      sizes.map(({ name, width, height, places, previewMs, pixelBytes }) => [
        name,
        `${width}x${height}, 8 frames`,
        String(places),
        previewMs.toFixed(1),
        (pixelBytes / 1000).toFixed(0),
      ]),
      [0, 1],
    ),
    "",
    "These maps hold random numbers, because no weights are needed to time them. *Positions* are those that a pixel is " +
      "made of: 1, or 9 where a fit finds neighbours worth it. A preview waits until all of them together take at most " +
      "1 % of the time of denoising, whatever one costs.",
    "",
    `With the demo model a preview takes ${demo.previewMs.toFixed(2)} ms, ` +
      `${((100 * demo.previewMs) / demo.stepMs).toFixed(1)} % of a computed step of ${demo.stepMs.toFixed(1)} ms on one ` +
      `thread; the first one of a process takes ${demo.firstMs.toFixed(0)} ms, since its code is not compiled yet. Its ` +
      `map is off by ${demo.rms.toFixed(1)} of 255 (RMS) at videos that it was not fitted to, and explains ` +
      `${(100 * demo.r2).toFixed(0)} % of their variance.`,
    "",
    `PSNR of a preview against that of the last step, over ${demo.prompts} prompts of the demo model without cache:`,
    "",
    table(
      ["after step", ...steps.map(String)],
      [["mean, dB", ...steps.map((step) => demo.psnr[step - 1]!.toFixed(1))]],
    ),
    "",
    `As an animated WebP a preview of the demo model has ${kilobytes(demo.bytes)}. A video of it, scaled, has ` +
      `${encoded.map(({ width, height, frames, bytes }) => `${kilobytes(bytes)} at ${width}x${height}x${frames}`).join(", ")}; ` +
      "other videos have more detail.",
    "",
    "### How it was measured",
    "",
    describeCircumstances(circumstances)
      .map((line) => `- ${line}`)
      .join("\n"),
  ].join("\n");
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(1)} kB`;
}
