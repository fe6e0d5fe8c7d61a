import {
  type LoraCheck,
  type ModelCheck,
  type PartCheck,
  residencyFor,
  usableShare,
  type VideoCheck,
} from "../../lib/generation/pipeline/index.ts";
import { counted } from "../../lib/shared/sentences/index.ts";
import { gigabytes } from "./transfer-progress.ts";

export interface CheckReport {
  /** Lines to print. */
  readonly text: string;
  readonly canRun: boolean;
}

const NAMES_MAX = 20;

/** Memory in which the model is to run. */
export interface Memory {
  readonly bytes: number;
  /** True if it may be the memory of a GPU; otherwise it is the main memory of this machine. */
  readonly mayBeGpu: boolean;
}

/** Reports the result of a check, and whether the model can run in the given memory. */
export function checkReport(folder: string, check: ModelCheck, memory: Memory): CheckReport {
  const { className, parts, videos, notes, faults } = check;
  const least = Math.min(...videos.map((video) => leastBytes(video, memory)));
  const fits = least <= memory.bytes;
  const blocks = [
    [`${folder}${className === "" ? "" : `: ${className}`}`],
    parts.length === 0 ? [] : partTable(parts),
    ...parts.flatMap((part) => [
      names(`${part.name} lacks`, part.missing),
      names(`${part.name} does not use`, part.unused),
    ]),
    videos.length === 0 ? [] : videoTable(videos, memory),
    memory.mayBeGpu ? videos.slice(0, 1).map((video) => residencyLine(video, memory)) : [],
    notes.map((note) => `note: ${note}`),
    check.loras.map(loraLine),
    check.previews === null ? [] : [`previews: ${check.previews}`],
    faults.map((fault) => `fault: ${fault}`),
    [verdict(check, least, memory), ...advice(folder, check, memory)],
  ];
  const text = blocks.filter((lines) => lines.length > 0).map((lines) => `${lines.join("\n")}\n`);
  return { text: text.join("\n"), canRun: faults.length === 0 && fits };
}

function loraLine({ name, changes, fault }: LoraCheck): string {
  if (fault !== null) return `LoRA ${name} cannot be used: ${fault}`;
  const counts = changes.map(({ transformer, lowRank, differences, biases, leftOut }) => {
    const left = leftOut > 0 ? `, ${leftOut} entries left out` : "";
    return `${counted(lowRank + differences + biases, "change")} of transformer ${transformer}${left}`;
  });
  return `LoRA ${name}: ${counts.join(", ")}`;
}

function verdict({ faults }: ModelCheck, leastBytes: number, memory: Memory): string {
  if (faults.length > 0)
    return faults.length === 1 ? "It cannot run." : `It cannot run: there are ${faults.length} faults.`;
  const there = `${gibibytes(memory.bytes)}${memory.mayBeGpu ? "" : " of this machine"}`;
  if (leastBytes <= memory.bytes) return `It can run in ${there}.`;
  return `It cannot run: the smallest video needs ${gibibytes(leastBytes)}, and there are ${there}.`;
}

/** Suggests a conversion to float32 if that makes the model fit: the CPU maps such weights from their file. */
function advice(folder: string, { videos, faults }: ModelCheck, memory: Memory): string[] {
  const now = Math.min(...videos.map(({ float32Bytes }) => float32Bytes));
  const stored = Math.min(...videos.map(({ storedFloat32Bytes }) => storedFloat32Bytes));
  if (faults.length > 0 || now <= memory.bytes || stored > memory.bytes) return [];
  const command = `npm run models -- convert ${folder} --dtype float32`;
  return [`On the CPU it would need ${gibibytes(stored)} once its weights are stored in float32: ${command}`];
}

function leastBytes({ float32Bytes, float16Bytes }: VideoCheck, { mayBeGpu }: Memory): number {
  return mayBeGpu ? Math.min(float32Bytes, float16Bytes) : float32Bytes;
}

function partTable(parts: readonly PartCheck[]): string[] {
  return columns([
    ["part", "architecture", "parameters", "stored as"],
    ...parts.map((part) => [part.name, part.className, count(part.parameters), storage(part)]),
  ]);
}

function videoTable(videos: readonly VideoCheck[], memory: Memory): string[] {
  const fits = (bytes: number) => `${gibibytes(bytes)} ${bytes <= memory.bytes ? "fits" : "too much"}`;
  return columns([
    ["size", "frames", "float32 on CPU", "float16 on GPU"],
    ...videos.map(({ width, height, frames, float32Bytes, float16Bytes }) => [
      `${width}x${height}`,
      String(frames),
      fits(float32Bytes),
      memory.mayBeGpu ? fits(float16Bytes) : gibibytes(float16Bytes),
    ]),
  ]);
}

const PART_NAMES = {
  text_encoder: "the text encoder",
  image_encoder: "the image encoder",
  transformer: "the transformer",
  transformer_2: "the second transformer",
  decoder: "the decoder",
} as const;

/** Says what is released when on a GPU of this memory, for the default video. */
function residencyLine({ width, height, frames, gpuParts }: VideoCheck, { bytes }: Memory): string {
  const { releases, peakBytes, peakParts } = residencyFor(gpuParts, bytes * usableShare);
  const parts = peakParts.map((part) => PART_NAMES[part]).join(", ");
  const kept = releases.length === 0 ? "all parts stay open" : releases.join(", ");
  const video = `${width}x${height}, ${frames} ${frames === 1 ? "frame" : "frames"}`;
  return `On a GPU of ${gibibytes(bytes)}, ${video}: ${kept}. The peak is ${gibibytes(peakBytes)}: ${parts}.`;
}

function names(what: string, tensors: readonly string[]): string[] {
  if (tensors.length === 0) return [];
  const more = tensors.length > NAMES_MAX ? [`  and ${tensors.length - NAMES_MAX} more`] : [];
  return [`${what}:`, ...tensors.slice(0, NAMES_MAX).map((name) => `  ${name}`), ...more];
}

function storage({ bytesByDType }: PartCheck): string {
  return [...bytesByDType].map(([dtype, bytes]) => `${dtype} ${gigabytes(bytes)}`).join(", ");
}

function count(parameters: number): string {
  return parameters >= 1e9 ? `${(parameters / 1e9).toFixed(2)} B` : `${(parameters / 1e6).toFixed(1)} M`;
}

function gibibytes(bytes: number): string {
  return bytes < 2 ** 30 ? `${Math.ceil(bytes / 2 ** 20)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

/** Pads the cells of a table, so that its columns are aligned. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}
