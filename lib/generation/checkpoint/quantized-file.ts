import { realpath } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { isThere } from "../../shared/is-there.ts";
import { quoted } from "../../shared/sentences/index.ts";
import type { ExternalTensor, QuantizedTensor } from "../onnx/index.ts";
import { CheckpointError, TENSOR_NAME_MAX } from "./checkpoint-error.ts";
import type { ModelPart } from "./model-folder.ts";
import { readMetadata, readSafetensors, type SafetensorsDType, type StoredTensor } from "./safetensors.ts";
import type { DeclaredTensor } from "./safetensors-writer.ts";
import { QUANTIZED_FILE } from "./weight-layout.ts";
import { type IdentifiedPart, weightsIdentity } from "./weights-identity.ts";

/**
 * File of weights of linear layers in 8-bit integers, beside the weights of a part. It has `NAME.values`, int8
 * [in, out], and `NAME.scales`, float32 [out], of a weight NAME [out, in]. Its metadata says which weights it was made
 * from.
 */
export interface QuantizedFile {
  /** Folder that `ExternalTensor.location` is relative to, with symbolic links resolved. */
  readonly root: string;
  /** Returns a weight by its name in the checkpoint; undefined for one that is not in the file. */
  quantized(name: string): QuantizedTensor | undefined;
}

/** Part whose weights are quantised. */
export type QuantizedPart = IdentifiedPart & Pick<ModelPart, "folder">;

/** Facts that the metadata of a file states, as text. */
export interface QuantizedMetadata extends Readonly<Record<string, string>> {
  readonly format: typeof FORMAT;
  readonly version: string;
  /** `weightsIdentity` of the part that it was made from. */
  readonly identity: string;
  /** Number of weights. */
  readonly weights: string;
}

const FORMAT = "adareel int8";

/** Version of the format that is written, and the only one that is read. */
const VERSION = "1";

/** Returns the metadata of a file of `count` weights that is made from a part now. */
export async function quantizedMetadata(part: IdentifiedPart, count: number): Promise<QuantizedMetadata> {
  return {
    format: FORMAT,
    version: VERSION,
    identity: await weightsIdentity([part]),
    weights: String(count),
  };
}

/** Returns the tensors of a weight [out, in] in the file. */
export function quantizedTensors(
  name: string,
  [out, width]: readonly [number, number],
): { readonly values: DeclaredTensor; readonly scales: DeclaredTensor } {
  const values = {
    name: `${name}.values`,
    dtype: "I8",
    shape: [width, out],
    byteLength: width * out,
  } as const;
  return { values, scales: { name: `${name}.scales`, dtype: "F32", shape: [out], byteLength: 4 * out } };
}

/** Returns the command that writes the file for a model. @param folder folder of one of its parts */
export function quantizeCommand({ folder }: Pick<ModelPart, "folder">): string {
  return `npm run models -- convert ${dirname(folder)} --dtype int8`;
}

/**
 * Opens the file of 8-bit integers beside a part's weights; null if there is none.
 *
 * @throws CheckpointError that names the file and the command to write it again, if it is damaged, or was made from
 *   other weights or for another version
 */
export async function openQuantized(part: QuantizedPart): Promise<QuantizedFile | null> {
  const path = join(part.folder, QUANTIZED_FILE);
  if (!(await isThere(path))) return null;
  try {
    const tensors = await readSafetensors(path);
    const count = await checkOrigin(path, part);
    const names = checkedNames(path, part, tensors);
    if (names.size !== count)
      throw new CheckpointError(path, `it has ${names.size} of the ${count} weights that it says`);
    const real = await realpath(path);
    const located = (name: string, dtype: ExternalTensor["dtype"]): ExternalTensor => {
      const { shape, offset, byteLength } = tensors.get(name)!;
      return { dtype, shape, offset, byteLength, location: basename(real) };
    };
    return {
      root: dirname(real),
      quantized: (name) =>
        names.has(name)
          ? { values: located(`${name}.values`, "int8"), scales: located(`${name}.scales`, "float32") }
          : undefined,
    };
  } catch (cause) {
    const { reason } = CheckpointError.from(path, cause);
    throw new CheckpointError(path, `${reason}: write it again with ${quantizeCommand(part)}`, { cause });
  }
}

/**
 * Checks that a file was made from the weights of a part, in a format that is known, and returns how many weights it
 * says to have.
 *
 * @throws CheckpointError
 */
async function checkOrigin(path: string, part: IdentifiedPart): Promise<number> {
  const metadata = await readMetadata(path);
  const made = await quantizedMetadata(part, 0);
  if (metadata.get("format") !== made.format)
    throw new CheckpointError(path, "it is not a file of weights in 8-bit integers");
  const version = metadata.get("version");
  if (version !== made.version)
    throw new CheckpointError(path, `it has the version ${quoted(version)}, and ${made.version} is read`);
  if (metadata.get("identity") !== made.identity)
    throw new CheckpointError(path, "it was made from other weights or another configuration");
  return Number(metadata.get("weights"));
}

/** Returns the names of the weights in a file, all of them whole and of the shapes in the checkpoint. */
function checkedNames(
  path: string,
  { weights }: IdentifiedPart,
  tensors: ReadonlyMap<string, StoredTensor>,
): ReadonlySet<string> {
  const names = new Set<string>();
  for (const stored of tensors.keys()) {
    const name = stored.replace(/\.(values|scales)$/, "");
    const shape = weights.has(name) ? weights.info(name).shape : [];
    if (name === stored || shape.length !== 2)
      throw new CheckpointError(path, `tensor ${quoted(stored, TENSOR_NAME_MAX)} belongs to no weight`);
    names.add(name);
    for (const wanted of Object.values(quantizedTensors(name, shape as [number, number])))
      checkTensor(path, wanted, tensors);
  }
  return names;
}

function checkTensor(
  path: string,
  { name, dtype, shape }: DeclaredTensor,
  tensors: ReadonlyMap<string, StoredTensor>,
): void {
  const label = `tensor ${quoted(name, TENSOR_NAME_MAX)}`;
  const found = tensors.get(name);
  if (!found) throw new CheckpointError(path, `${label} is missing`);
  const told = (type: SafetensorsDType, sizes: readonly number[]) => `${type} [${sizes.join(", ")}]`;
  if (found.dtype === dtype && found.shape.join() === shape.join()) return;
  const own = told(found.dtype, found.shape);
  throw new CheckpointError(path, `${label} is ${own} instead of ${told(dtype, shape)}`);
}
