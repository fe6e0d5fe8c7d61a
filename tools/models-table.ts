import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Family, families, publishedModels } from "../lib/generation/models/index.ts";
import { checkModel } from "../lib/generation/pipeline/index.ts";
import { type VideoLimits, videoLimitsSchema } from "../lib/generation/request/index.ts";
import { counted } from "../lib/shared/sentences/index.ts";
import { table } from "./bench/markdown.ts";
import { withTable } from "./markers.ts";
import { MODELS, type PlanModel, videoSeconds } from "./plan/models.ts";

/** `node --import tsx tools/models-table.ts`: writes the tables of docs/models.md from the list of families. */

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const DEMO = at("models/demo");
const NOT_MEASURED = "not measured";

/**
 * Returns the document with the tables of the list of families.
 *
 * @throws Error if the document has no markers for a table
 */
export async function withModelsTables(document: string): Promise<string> {
  const tables = { models: modelsTable(), needs: await needsTable() };
  return Object.entries(tables).reduce((text, [name, made]) => withTable(text, name, made), document);
}

/** Returns the table of what each model that has a name needs. */
async function needsTable(): Promise<string> {
  const header = ["name", "parameters: transformer, text, decoder", "download", "memory, CPU", "memory, GPU"];
  const rows = publishedModels.flatMap((model) => (model.hub && model.needs ? [needsRow(model)] : []));
  return table(
    [...header, "seconds a video, cache off / fast"],
    [await demoNeedsRow(), ...rows],
    [0, 1, 2, 3, 4, 5],
  );
}

function needsRow({ hub, needs }: Family["models"][number]): string[] {
  const { parameters, memoryGiB } = needs!;
  const { transformer, text_encoder: text, vae, image_encoder: image } = parameters;
  return [
    `\`${hub!.name}\``,
    [[transformer, text, vae].map(count), image ? [`image ${count(image)}`] : []].flat().join(", "),
    `${hub!.gigabytes} GB`,
    `${memoryGiB.cpu} GiB`,
    `${memoryGiB.gpu} GiB; ${memoryGiB.gpuOpen} GiB`,
    secondsCell(hub!.name),
  ];
}

/** Returns the row of the demo model, whose weights are here. */
async function demoNeedsRow(): Promise<string[]> {
  const { parts, videos } = await checkModel(DEMO);
  const parameters = ["transformer", "text_encoder", "vae"].map(
    (name) => parts.find((part) => part.name === name)!,
  );
  const mebibytes = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`;
  return [
    "`demo`",
    parameters.map((part) => count(part.parameters)).join(", "),
    "in the repository",
    mebibytes(videos[0]!.float32Bytes),
    mebibytes(videos[0]!.float16Bytes),
    secondsCell("demo"),
  ];
}

/** Returns the times that the plan of costs uses; models that it does not know were never timed. */
function secondsCell(name: string): string {
  return (
    Object.values(MODELS[name] ?? {})
      .map(secondsOf)
      .join("; ") || NOT_MEASURED
  );
}

function secondsOf(plan: PlanModel): string {
  const { denoising, title } = plan;
  const { origin } = denoising.by === "latency" ? denoising.seconds.off : denoising.stepSeconds;
  const [off, fast] = (["off", "fast"] as const).map((cache) => {
    if (denoising.by === "latency") return denoising.seconds[cache].value;
    return Number(videoSeconds(plan, cache, 1).toPrecision(2));
  });
  const where = origin === "measured" ? "2 CPU cores" : "one A100";
  return `${off} / ${fast}: ${origin}, ${where}, ${title.split(", ").slice(1).join(", ")}`;
}

function count(parameters: number): string {
  return parameters < 1e9 ? `${(parameters / 1e6).toPrecision(3)} M` : `${(parameters / 1e9).toFixed(2)} B`;
}

function modelsTable(): string {
  const header = ["name", "model", "transformer, text, decoder", "sampler", "makes", "steps", "guidance"];
  return table(header, [demoRow(), ...families.flatMap(rowsOf)], [0, 1, 2, 3, 4]);
}

/** Returns the row of the demo model, whose limits are in its model_index.json. */
function demoRow(): string[] {
  const { video } = JSON.parse(readFileSync(`${DEMO}/model_index.json`, "utf8"));
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

function videoCells(limits: VideoLimits): [string, string, string] {
  const { sizes, frames, steps, guidance_scale } = limits;
  const area = ([width, height]: VideoLimits["sizes"][number]) => width * height;
  const [width, height] = sizes.toSorted((a, b) => area(b) - area(a))[0]!;
  const isLargest = new Set(sizes.map(area)).size > 1;
  const made = [`${isLargest ? "up to " : ""}${width}x${height}`, framesCell(frames), ...picturesOf(limits)];
  return [made.join(", "), String(steps), String(guidance_scale)];
}

function picturesOf(limits: VideoLimits): string[] {
  if (limits.needs_last_image) return ["from one picture to another"];
  const begins = limits.needs_image
    ? ["begins with a picture"]
    : limits.takes_image
      ? ["may begin with a picture"]
      : [];
  return limits.takes_last_image ? [...begins, "may end with another"] : begins;
}

function framesCell(frames: readonly number[]): string {
  const sorted = frames.toSorted((a, b) => a - b);
  const [first, last] = [sorted[0]!, sorted.at(-1)!];
  if (sorted.length === 1) return counted(first, "frame");
  return sorted.length === 2 ? `${first} or ${last} frames` : `${first} to ${last} frames`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = at("docs/models.md");
  writeFileSync(path, await withModelsTables(readFileSync(path, "utf8")));
}
