import { realpath } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { nameOf } from "../../shared/sentences/index.ts";
import type { DType, ExternalTensor, WeightSource } from "../onnx/index.ts";
import { CheckpointError, TENSOR_NAME_MAX } from "./checkpoint-error.ts";
import { bfloat16ToFloat32, float16ToFloat32 } from "./half.ts";
import {
  elementBytes,
  openRegularFile,
  readExactly,
  readSafetensors,
  type SafetensorsDType,
  type StoredTensor,
} from "./safetensors.ts";
import { findWeights, type LocatedTensor, locateTensors } from "./weight-files.ts";

const graphTypes: Partial<Record<SafetensorsDType, DType>> = {
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  I32: "int32",
  I64: "int64",
  BOOL: "bool",
};

interface Opened {
  readonly root: string;
  readonly tensors: ReadonlyMap<string, LocatedTensor>;
  readonly realPaths: ReadonlyMap<string, string>;
  readonly variant: string | null;
}

/** Weights of one model. `open` reads the headers only; tensors stay on disk until a session or `read` needs them. */
export class Checkpoint implements WeightSource {
  /** Folder that `ExternalTensor.location` is relative to, with symbolic links resolved. */
  readonly root: string;
  /** Variant that the names of the files have, such as `fp16`; null for none. */
  readonly variant: string | null;
  readonly #source: string;
  readonly #tensors: ReadonlyMap<string, LocatedTensor>;
  readonly #realPaths: ReadonlyMap<string, string>;
  readonly #used = new Set<string>();

  private constructor(source: string, { root, tensors, realPaths, variant }: Opened) {
    this.#source = source;
    this.root = root;
    this.variant = variant;
    this.#tensors = tensors;
    this.#realPaths = realPaths;
  }

  /**
   * Opens a `.safetensors` file, an index of shards, or a folder that holds either under the names that diffusers and
   * transformers use. Symbolic links are resolved here: the session refuses links that
   * leave its folder, and links in a Hugging Face cache do.
   *
   * @param variant  variant of the weights to prefer in a folder, such as `fp16`
   * @throws CheckpointError naming the file at fault
   *
   * @example
   * const checkpoint = await Checkpoint.open("models/demo/transformer");
   * const bias = await checkpoint.read("final_layer.linear.bias"); // Float32Array of 64 values
   * const { shape } = checkpoint.info("final_layer.linear.weight"); // [64, 192]
   */
  static async open(folderOrFile: string, variant?: string | null): Promise<Checkpoint> {
    const found = await findWeights(folderOrFile, variant);
    const tensors = await locateTensors(found.path);
    if (tensors.size === 0) throw new CheckpointError(folderOrFile, "it holds no tensors");
    const paths = [...new Set([...tensors.values()].map((tensor) => tensor.path))];
    const realPaths = new Map(
      await Promise.all(paths.map(async (path) => [path, await realpath(path)] as const)),
    );
    const root = commonFolder([...realPaths.values()]);
    return new Checkpoint(folderOrFile, { root, tensors, realPaths, variant: found.variant });
  }

  names(): string[] {
    return [...this.#tensors.keys()];
  }

  /** Returns type, shape and place of every tensor, by name. */
  tensors(): ReadonlyMap<string, LocatedTensor> {
    return this.#tensors;
  }

  has(name: string): boolean {
    return this.#tensors.has(name);
  }

  /**
   * Type, shape and location of one tensor. Does not count as use.
   *
   * @throws CheckpointError if there is no such tensor
   */
  info(name: string): StoredTensor {
    const tensor = this.#tensors.get(name);
    if (!tensor)
      throw new CheckpointError(this.#source, `tensor ${nameOf(name, TENSOR_NAME_MAX)} is missing`);
    return tensor;
  }

  tensor(name: string, expectedShape: readonly number[]): ExternalTensor {
    const { dtype, shape, offset, byteLength } = this.info(name);
    if (shape.join() !== expectedShape.join()) {
      const sizes = `[${shape.join(", ")}] and the model expects [${expectedShape.join(", ")}]`;
      throw new CheckpointError(this.#source, `tensor ${nameOf(name, TENSOR_NAME_MAX)} has shape ${sizes}`);
    }
    const graphType = graphTypes[dtype];
    if (!graphType) throw unreadType(this.#source, name, dtype);
    this.#used.add(name);
    const location = relative(this.root, this.#realPath(name)).replaceAll(sep, "/");
    return { dtype: graphType, shape, location, offset, byteLength };
  }

  /** Names of the tensors that neither `tensor` nor `read` was called for. */
  unused(): string[] {
    return this.names().filter((name) => !this.#used.has(name));
  }

  /**
   * Checks that a model was built from all of its weights. Weights left over mean that another architecture
   * was trained.
   *
   * @param mayRemain  matches names that may be left over
   * @throws CheckpointError naming the first tensor left over
   */
  checkAllUsed(mayRemain?: RegExp): void {
    const left = this.unused().filter((name) => !mayRemain?.test(name));
    if (left.length === 0) return;
    const count = left.length === 1 ? "1 tensor is" : `${left.length} tensors are`;
    throw new CheckpointError(
      this.#source,
      `${count} not part of the model that the config.json describes, first ${nameOf(left[0]!, TENSOR_NAME_MAX)}`,
    );
  }

  /** Reads the values of one floating-point tensor as float32, row-major. */
  async read(name: string): Promise<Float32Array> {
    const { dtype, offset, byteLength } = this.info(name);
    if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") {
      throw new CheckpointError(
        this.#source,
        `tensor ${nameOf(name, TENSOR_NAME_MAX)} has dtype ${dtype}, which cannot be read as float32`,
      );
    }
    this.#used.add(name);
    const path = this.#realPath(name);
    const file = await openRegularFile(path);
    try {
      const bytes = await readExactly(file, path, offset, byteLength);
      if (dtype === "F16") return float16ToFloat32(bytes);
      return dtype === "BF16" ? bfloat16ToFloat32(bytes) : new Float32Array(bytes.buffer);
    } finally {
      await file.close();
    }
  }

  /**
   * Reads the value of a tensor of one element, of any type of numbers.
   *
   * @throws CheckpointError if it has more elements or another type
   */
  async readNumber(name: string): Promise<number> {
    const { dtype, offset, byteLength } = this.info(name);
    const count = byteLength / elementBytes[dtype];
    const what = `tensor ${nameOf(name, TENSOR_NAME_MAX)}`;
    if (count !== 1) throw new CheckpointError(this.#source, `${what} has ${count} elements, and not one`);
    if (dtype === "F32" || dtype === "F16" || dtype === "BF16") return (await this.read(name))[0]!;
    this.#used.add(name);
    const path = this.#realPath(name);
    const file = await openRegularFile(path);
    try {
      const view = new DataView((await readExactly(file, path, offset, byteLength)).buffer);
      if (dtype === "F64") return view.getFloat64(0, true);
      if (dtype === "I64") return Number(view.getBigInt64(0, true));
      if (dtype === "I32") return view.getInt32(0, true);
    } finally {
      await file.close();
    }
    throw new CheckpointError(this.#source, `${what} has dtype ${dtype}, which cannot be read as a number`);
  }

  #realPath(name: string): string {
    return this.#realPaths.get(this.#tensors.get(name)!.path)!;
  }
}

function unreadType(path: string, tensor: string, dtype: SafetensorsDType): CheckpointError {
  const why = dtype.startsWith("F8_")
    ? "and float8 is not read: take the model in float16, bfloat16 or float32"
    : "which graphs do not support";
  return new CheckpointError(path, `tensor ${nameOf(tensor, TENSOR_NAME_MAX)} has dtype ${dtype}, ${why}`);
}

/**
 * Checks by its header that a file of weights can be read, before it is copied.
 *
 * @throws CheckpointError
 */
export async function checkWeightsFile(path: string): Promise<void> {
  for (const [name, { dtype }] of await readSafetensors(path))
    if (!graphTypes[dtype]) throw unreadType(path, name, dtype);
}

/** Returns the deepest folder that contains all the files; of folders, one that contains all of them. */
export function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0]!);
  while (paths.some((path) => relative(folder, path).startsWith("..")) && dirname(folder) !== folder) {
    folder = dirname(folder);
  }
  return folder;
}

/** Returns a tensor with its location relative to another folder, which contains the first one. */
export function relocated(tensor: ExternalTensor, from: string, to: string): ExternalTensor {
  return { ...tensor, location: relative(to, join(from, tensor.location)).replaceAll(sep, "/") };
}
