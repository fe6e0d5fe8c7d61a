import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Family, families } from "../lib/generation/models/index.ts";
import { type VideoLimits, videoLimitsSchema } from "../lib/generation/request/index.ts";
import { table } from "./bench/markdown.ts";

/** `node --import tsx tools/models-table.ts`: writes the table of docs/models.md from the list of families. */

const BEGIN = "<!-- models -->";
const END = "<!-- /models -->";

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/**
 * Returns the document with the table of the list of families.
 *
 * @throws Error if the document has no markers for the table
 */
export function withModelsTable(document: string): string {
  const [from, to] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`docs/models.md must hold ${BEGIN}, and ${END} after it`);
  return `${document.slice(0, from)}${BEGIN}\n${modelsTable()}\n${document.slice(to)}`;
}

function modelsTable(): string {
  const header = ["name", "model", "transformer, text, decoder", "sampler", "makes", "steps", "guidance"];
  return table(header, [demoRow(), ...families.flatMap(rowsOf)], [0, 1, 2, 3, 4]);
}

/** Returns the row of the demo model, whose limits are in its model_index.json. */
function demoRow(): string[] {
  const { video } = JSON.parse(readFileSync(at("models/demo/model_index.json"), "utf8"));
  const parts = ["ours, part of the repository", "STDiT3, T5, AutoencoderKL", "rectified flow"];
  return ["`demo`", ...parts, ...videoCells(videoLimitsSchema.parse(video))];
}

function rowsOf({ models, parts, sampler }: Family): string[][] {
  return models.map(({ title, hub, video }) => {
    const [made, steps, guidance] = videoCells(videoLimitsSchema.parse(video));
    const second = video.guidance_scale_2;
    const scales = second === undefined ? guidance : `${guidance}, then ${second}`;
    return [hub ? `\`${hub.name}\`` : "–", title, parts, sampler, made, steps, scales];
  });
}

function videoCells({
  sizes,
  frames,
  steps,
  guidance_scale,
  takes_image,
}: VideoLimits): [string, string, string] {
  const area = ([width, height]: VideoLimits["sizes"][number]) => width * height;
  const [width, height] = sizes.toSorted((a, b) => area(b) - area(a))[0]!;
  const isLargest = new Set(sizes.map(area)).size > 1;
  const made = [
    `${isLargest ? "up to " : ""}${width}x${height}`,
    framesCell(frames),
    ...(takes_image ? ["may begin with a picture"] : []),
  ];
  return [made.join(", "), String(steps), String(guidance_scale)];
}

function framesCell(frames: readonly number[]): string {
  const sorted = frames.toSorted((a, b) => a - b);
  const [first, last] = [sorted[0]!, sorted.at(-1)!];
  if (sorted.length === 1) return `${first} frames`;
  return sorted.length === 2 ? `${first} or ${last} frames` : `${first} to ${last} frames`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = at("docs/models.md");
  writeFileSync(path, withModelsTable(readFileSync(path, "utf8")));
}
