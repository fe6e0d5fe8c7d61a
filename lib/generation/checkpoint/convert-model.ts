import { constants } from "node:fs";
import { copyFile, mkdir, readdir, realpath, rename, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { CheckpointError } from "./checkpoint-error.ts";
import { convertFile } from "./convert-file.ts";
import type { FloatDType } from "./float-conversion.ts";
import { readJsonFile } from "./json-file.ts";
import { type ModelPart, openModelFolder } from "./model-folder.ts";
import { findWeights, locateTensors } from "./weight-files.ts";
import { isWeightIndex, withoutVariant } from "./weight-layout.ts";

/** Names that users give to the floating-point types of safetensors. */
export const conversionDTypes = { float32: "F32", float16: "F16", bfloat16: "BF16" } as const;

export interface ModelConversion {
  readonly folder: string;
  /** Folder of the converted model. If it exists, the conversion continues there. */
  readonly out: string;
  readonly dtype: keyof typeof conversionDTypes;
  /** Variant of the weights to convert, such as `fp16`. The converted files have no variant in their names. */
  readonly variant?: string | undefined;
  readonly onProgress?: ((progress: ConversionProgress) => void) | undefined;
}

export interface ConversionProgress {
  /** Tensor bytes of the source read so far. */
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** Returns the function that is told the bytes read since the last call, and reports them all. */
export function countedBytes(
  totalBytes: number,
  onProgress: ModelConversion["onProgress"],
): (byteCount: number) => void {
  let doneBytes = 0;
  return (byteCount) => {
    doneBytes += byteCount;
    onProgress?.({ doneBytes, totalBytes });
  };
}

/** Size of a part of a model before and after conversion, in bytes. */
export interface ConvertedPart {
  readonly name: string;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** Small files next to the weights: configurations and vocabularies. */
const SMALL_FILE = /^(?!\.).*\.(json|model|txt)$/;

/**
 * Converts the weights of a model to another type, using a few MiB of memory whatever its size.
 * `model_index.json` is written last, so an incomplete folder is not a model. After an interruption, the same
 * call continues with the first incomplete file.
 *
 * @throws CheckpointError naming the file at fault
 */
export async function convertModel(conversion: ModelConversion): Promise<readonly ConvertedPart[]> {
  const { folder, out, dtype, variant, onProgress } = conversion;
  const model = await openModelFolder(folder);
  const parts = await Promise.all(model.partNames.map((name) => planPart(name, model.part(name), variant)));
  const totalBytes = parts.reduce((total, { bytes }) => total + bytes, 0);
  const onBytes = countedBytes(totalBytes, onProgress);
  const converted: ConvertedPart[] = [];
  try {
    await mkdir(out, { recursive: true });
    if ((await realpath(out)) === (await realpath(folder)))
      throw new CheckpointError(out, "the converted model must go into a different folder");
    for (const part of parts) {
      const target = join(out, part.name);
      await mkdir(target, { recursive: true });
      for (const name of await readdir(part.folder)) {
        if (SMALL_FILE.test(name) && !isWeightIndex(name))
          await copyFile(join(part.folder, name), join(target, name), constants.COPYFILE_FICLONE);
      }
      let bytesAfter = 0;
      for (const source of part.files) {
        const targetDType = (from: FloatDType) => targetOf(part, from, conversionDTypes[dtype]);
        bytesAfter += await convertFile({
          source,
          target: join(target, withoutVariant(basename(source), part.variant)),
          targetDType,
          onBytes,
        });
      }
      if (part.indexFile)
        await writeIndex(part.indexFile, target, { variant: part.variant, totalBytes: bytesAfter });
      if (part.files.length > 0) converted.push({ name: part.name, bytesBefore: part.bytes, bytesAfter });
    }
    await copyFile(join(folder, "model_index.json"), join(out, "model_index.json.partial"));
    await rename(join(out, "model_index.json.partial"), join(out, "model_index.json"));
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    const { code } = cause as NodeJS.ErrnoException;
    throw new CheckpointError(out, `cannot be written (${code ?? String(cause)})`, { cause });
  }
  return converted;
}

/**
 * Chooses the type of a part's weights. Activations of T5, and of the autoencoders of Stable Diffusion XL and
 * its successors, overflow float16: text encoders become bfloat16 instead, and autoencoders, which are small,
 * keep their type.
 */
function targetOf({ name, className }: PartPlan, from: FloatDType, asked: FloatDType): FloatDType {
  if (asked === "F32") return "F32";
  if (/^vae/.test(name) || /^Autoencoder/.test(className)) return from;
  const overflows = /^text_encoder/.test(name) || /^(T5|MT5|UMT5)/.test(className);
  if (!overflows || asked === "BF16") return asked;
  return from === "F32" ? "BF16" : from;
}

interface PartPlan {
  readonly name: string;
  readonly className: string;
  readonly folder: string;
  readonly files: readonly string[];
  readonly indexFile: string | null;
  readonly variant: string | null;
  /** Bytes of the tensors. */
  readonly bytes: number;
}

/** Lists the weight files of a part. Parts such as a tokenizer have none. */
async function planPart(
  name: string,
  { className, folder }: ModelPart,
  wanted: string | undefined,
): Promise<PartPlan> {
  const none = { name, className, folder, files: [], indexFile: null, variant: null, bytes: 0 };
  if (!(await readdir(folder)).some((file) => file.endsWith(".safetensors") || isWeightIndex(file)))
    return none;
  const { path, variant } = await findWeights(folder, wanted);
  const tensors = [...(await locateTensors(path)).values()];
  const files = [...new Set(tensors.map((tensor) => tensor.path))];
  const bytes = tensors.reduce((total, { byteLength }) => total + byteLength, 0);
  return { ...none, files, indexFile: isWeightIndex(basename(path)) ? path : null, variant, bytes };
}

async function writeIndex(
  source: string,
  folder: string,
  { variant, totalBytes }: { readonly variant: string | null; readonly totalBytes: number },
): Promise<void> {
  const target = join(folder, withoutVariant(basename(source), variant));
  const index = await readJsonFile(source);
  const metadata = { ...(index.metadata as object | undefined), total_size: totalBytes };
  const weight_map = Object.fromEntries(
    Object.entries(index.weight_map as Record<string, string>).map(([name, shard]) => [
      name,
      withoutVariant(shard, variant),
    ]),
  );
  await writeFile(`${target}.partial`, `${JSON.stringify({ ...index, metadata, weight_map }, null, 2)}\n`);
  await rename(`${target}.partial`, target);
}
