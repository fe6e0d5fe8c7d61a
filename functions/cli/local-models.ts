import { readdirSync, statSync } from "node:fs";
import { totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { addModel, openHub, recipeOf, withFolder } from "../../lib/distribution/hub/index.ts";
import {
  type ConversionProgress,
  conversionDTypes,
  convertModel,
  modelNameOf,
  openModelFolder,
  QUANTIZED_FILE,
  snapshotOf,
  strangePath,
} from "../../lib/generation/checkpoint/index.ts";
import { checkModel, modelFolders, quantizeModel } from "../../lib/generation/pipeline/index.ts";
import { UsageError } from "../../lib/shared/command-line/index.ts";
import { isFolder } from "../../lib/shared/is-folder.ts";
import { oneOf } from "../../lib/shared/sentences/index.ts";
import { shownPath } from "../../lib/shared/shown-path.ts";
import { checkReport } from "./check-report.ts";
import { gigabytes, type TransferDisplay } from "./transfer-progress.ts";

/** Commands of `npm run models` that need no bucket: they download, check, convert and list models on this machine. */

export interface LocalOptions {
  readonly revision?: string | undefined;
  readonly into?: string | undefined;
  readonly dtype?: ConversionDType | undefined;
  readonly out?: string | undefined;
  readonly memory?: string | undefined;
  readonly variant?: string | undefined;
}

export interface LocalCommand {
  /** Resolves a path of the user, relative to the user's folder. */
  readonly place: (path: string) => string;
  readonly display: TransferDisplay;
  readonly env: NodeJS.ProcessEnv;
  /** Writes to stdout. */
  readonly print: (text: string) => void;
}

/** Folder for models in the user's folder. */
const MODELS = "models";

/** Precisions that `convert` takes: of a copy of the model, or 8-bit integers beside its weights. */
const CONVERSION_DTYPES = { ...conversionDTypes, int8: "I8" } as const;
type ConversionDType = keyof typeof CONVERSION_DTYPES;

export const DTYPE_NAMES = oneOf(Object.keys(CONVERSION_DTYPES));

/**
 * Downloads a model from the hub, or copies it from a folder. Files that are complete already are kept.
 *
 * @throws UsageError, HubError, ModelStoreError
 */
export async function add(model: string, options: LocalOptions, command: LocalCommand): Promise<void> {
  const { place, display, env, print } = command;
  const hub = openHub({
    url: (env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, ""),
    token: env.HF_TOKEN || undefined,
    sleep: (durationMs) => sleep(durationMs),
  });
  const here = snapshotOf(place(model));
  const isHere = isFolder(here);
  const strange = isHere ? null : strangePath(here);
  if (strange !== null) throw new UsageError(`${model} ${strange}`);
  const recipe = isHere ? { name: modelNameOf(here).toLowerCase(), id: here } : recipeOf(model);
  const folder = place(options.into ?? join(MODELS, recipe.name));
  if (folder === here)
    throw new UsageError(`The model is already in ${folder}: give another folder with --into.`);
  display.say(isHere ? "looking at the folder" : `asking for ${recipe.id}`);
  const { totalBytes, receivedBytes, notes } = await addModel({
    hub: isHere ? withFolder(hub, here) : hub,
    recipe,
    revision: options.revision,
    variant: options.variant,
    folder,
    onProgress: ({ doneBytes, receivedBytes, totalBytes }) =>
      display.show({ stage: isHere ? "copy" : "download", doneBytes, sentBytes: receivedBytes, totalBytes }),
  });
  display.clear();
  const shown = shownPath(folder, place("."));
  print(
    `${shown} has the model, ${gigabytes(totalBytes)}, of which ${gigabytes(receivedBytes)} were missing.\n`,
  );
  for (const note of notes) print(`${note}\n`);
  print(`Next: npm run models -- check ${shown}\n`);
}

/** Prints the report of a check, and returns true if the model can run. @throws UsageError */
export async function check(
  folder: string,
  { memory, variant }: LocalOptions,
  { place, print }: LocalCommand,
): Promise<boolean> {
  const bytes = memory === undefined ? machineMemoryBytes() : 2 ** 30 * gibibytes(memory);
  const found = await checkModel(folder, { variant });
  const name = shownPath(folder, place("."));
  const { text, canRun } = checkReport(name, found, { bytes, mayBeGpu: memory !== undefined });
  print(text);
  return canRun;
}

/**
 * Converts the weights of a model to another precision. In int8 they are written beside the others, which graphs still
 * need.
 *
 * @throws UsageError, CheckpointError
 */
export async function convert(folder: string, options: LocalOptions, command: LocalCommand): Promise<void> {
  const { dtype, out, variant } = options;
  const { place, display, print } = command;
  if (dtype === undefined) {
    throw new UsageError(`--dtype is missing: give ${DTYPE_NAMES}, as in --dtype float16.`);
  }
  if (dtype === "int8" && out !== undefined)
    throw new UsageError("--dtype int8 writes beside the model's weights: leave out --out.");
  const target = out === undefined ? `${folder}-${dtype}` : place(out);
  const conversion = {
    folder,
    variant,
    onProgress: (progress: ConversionProgress) =>
      display.show({ stage: "convert", sentBytes: progress.doneBytes, ...progress }),
  };
  const parts =
    dtype === "int8"
      ? await quantizeModel(conversion)
      : await convertModel({ ...conversion, out: target, dtype });
  display.clear();
  for (const { name, bytesBefore, bytesAfter } of parts)
    print(`${name}\t${gigabytes(bytesBefore)}\t${gigabytes(bytesAfter)}\n`);
  const shown = (path: string) => shownPath(path, place("."));
  print(
    dtype === "int8"
      ? `${shown(folder)} has its large layers in int8 too, in ${QUANTIZED_FILE} of each part above.\n`
      : `${shown(target)} has the model, with its floating-point weights in ${dtype}.\n`,
  );
}

/** Prints folder, pipeline class and size in bytes of each model that has a name here, one model a line. */
export async function listLocal({ place, print }: LocalCommand): Promise<void> {
  for (const folder of modelFolders(place("."))) {
    const { className } = await openModelFolder(folder);
    print(`${[shownPath(folder, place(".")), className, bytesIn(folder)].join("\t")}\n`);
  }
}

function bytesIn(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) =>
    join(folder, path),
  );
  return entries
    .map((path) => statSync(path))
    .reduce((sum, entry) => sum + (entry.isFile() ? entry.size : 0), 0);
}

/** Short names of precisions, which other programs use. */
const SHORT: Readonly<Record<string, ConversionDType>> = {
  fp16: "float16",
  bf16: "bfloat16",
  fp32: "float32",
};

/** Reads a precision, by its name or its short name. @throws UsageError */
export function dtypeOf(text: string, flag: string): ConversionDType {
  const name = Object.hasOwn(SHORT, text) ? SHORT[text]! : text;
  if (isConversionDType(name)) return name;
  throw new UsageError(`${flag} takes ${DTYPE_NAMES}, not ${JSON.stringify(text)}.`);
}

function isConversionDType(text: string): text is ConversionDType {
  return Object.hasOwn(CONVERSION_DTYPES, text);
}

function gibibytes(text: string): number {
  const number = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && number > 0) return number;
  throw new UsageError(`--memory takes GiB above 0, such as 24, not ${JSON.stringify(text)}.`);
}

/** Returns the memory of this machine, or the limit of this process (such as a container's) if that is lower. */
function machineMemoryBytes(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}
