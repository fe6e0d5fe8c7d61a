import { join } from "node:path";
import { isThere } from "../../../shared/is-there.ts";
import { nameOf } from "../../../shared/sentences/index.ts";
import {
  type ErrorTable,
  readTableFile,
  TABLE_FILE,
  type TableFile,
  tableCommand,
} from "../../caching/index.ts";
import {
  CheckpointError,
  configHash,
  type IdentifiedPart,
  type JsonFileLimits,
  type ModelPart,
  readJsonFile,
  weightsIdentity,
} from "../../checkpoint/index.ts";
import type { Precision } from "../../onnx/index.ts";

/** Error table of a model, or the sentence that says why its file is not used. */
export type FoundErrorTable = { readonly table: ErrorTable } | { readonly refused: string };

/** Facts of a model that a table has to be made for. */
export interface TableModel {
  readonly folder: string;
  /** Name of the model, for sentences. */
  readonly name: string;
  /** Parts whose weights decide about a video. */
  readonly parts: readonly IdentifiedPart[];
  readonly scheduler: Pick<ModelPart, "className" | "config">;
  readonly precision: Precision;
}

/** Limits of the file. Tables of 128 noise levels and 16 ladders are below 1 MiB. */
const LIMITS: JsonFileLimits = { bytesMax: 4 * 2 ** 20, depthMax: 8, valuesMax: 500_000 };

/**
 * Reads the error table beside a model. Returns null if there is no file. A file that is damaged, or made for another
 * model, precision or sampler, is refused and not an error. Its guidance scale and size do not have to be
 * the request's.
 */
export async function findErrorTable(model: TableModel): Promise<FoundErrorTable | null> {
  const path = join(model.folder, TABLE_FILE);
  if (!(await isThere(path))) return null;
  try {
    const read = readTableFile(await readJsonFile(path, LIMITS));
    if (!read.ok) return { refused: `${path}: ${read.fault.sentence}` };
    const misfit = await misfitOf(read.value, model);
    if (misfit === null) return { table: read.value.table };
    return {
      refused: `${path} ${misfit}: measure this one with ${tableCommand(model.name, model.precision)}.`,
    };
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    return { refused: `${error.message}.` };
  }
}

/** Facts by which a table is told to fit. */
export type MadeFor = Pick<TableFile["madeFor"], "identity" | "precision" | "sampler">;

/** Returns the facts of a model by which a table is told to fit. */
export async function madeForOf({
  parts,
  scheduler,
  precision,
}: Pick<TableModel, "parts" | "scheduler" | "precision">): Promise<MadeFor> {
  const { className, config } = scheduler;
  return {
    identity: await weightsIdentity(parts),
    precision,
    sampler: { className, config: configHash(config) },
  };
}

/** Returns why a table is not for a model; null if it is. */
async function misfitOf({ madeFor }: TableFile, model: TableModel): Promise<string | null> {
  const { identity, precision, sampler } = await madeForOf(model);
  if (madeFor.precision !== precision)
    return `was measured in ${madeFor.precision}, and the model runs in ${precision}`;
  if (madeFor.sampler.className !== sampler.className)
    return `was measured with ${nameOf(madeFor.sampler.className)}, and the model samples with ${nameOf(sampler.className)}`;
  if (madeFor.sampler.config !== sampler.config)
    return `was measured with another configuration of ${nameOf(sampler.className)}`;
  if (madeFor.identity !== identity) return "was measured with other weights";
  return null;
}
