import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { CheckpointError, type IdentifiedPart } from "../../checkpoint/index.ts";
import { type AppliedLora, type Lora, type LoraCounts, readLora } from "../../lora/index.ts";
import { loraNaming } from "../../models/index.ts";
import { activeLoras, RequestError, type RequestedLora, type ResolvedRequest } from "../../request/index.ts";
import { listedPath, loraFiles } from "./lora-list.ts";

/** A LoRA file that changed a video, for receipts. */
export interface UsedLora extends LoraCounts {
  readonly name: string;
  /** Name of the file, without its folder. */
  readonly file: string;
  /** SHA-256 of the file, in hex. */
  readonly sha256: string;
  readonly scale: number;
  /** The transformer that it changed, 1 or 2. */
  readonly transformer: number;
}

/** LoRAs of a request, matched to the transformers of a model. */
export interface OpenedLoras {
  /** Tells LoRAs apart whose sessions differ. */
  readonly key: string;
  /** LoRAs of each transformer. */
  readonly applied: readonly (readonly AppliedLora[])[];
  readonly used: readonly UsedLora[];
}

/** Opens the LoRAs of requests, and keeps what it read of files that have not changed. */
export class LoraShelf {
  readonly #folder: string;
  readonly #transformers: readonly IdentifiedPart[];
  readonly #known = new Map<string, unknown>();

  /** @param folder folder of the model */
  constructor(folder: string, transformers: readonly IdentifiedPart[]) {
    this.#folder = folder;
    this.#transformers = transformers;
  }

  /**
   * Matches a request's LoRAs to the transformers, by the headers of their files. A LoRA of one file changes every
   * transformer, unless the request names one.
   *
   * @param told makes the error that is thrown of one about a LoRA
   * @throws CheckpointError if a file does not fit its transformer, RequestError if the LoRA is for two transformers
   */
  async match(
    { loras }: Pick<ResolvedRequest, "loras">,
    told: (cause: Error, lora: RequestedLora) => Error = (cause) => cause,
  ) {
    const applied = this.#transformers.map((): AppliedLora[] => []);
    const used: (Omit<UsedLora, "sha256" | "file"> & { readonly path: string })[] = [];
    for (const requested of activeLoras({ loras })) {
      const { name, scale } = requested;
      const matched = await this.#matched(requested).catch((cause: Error) => {
        throw told(cause, requested);
      });
      for (const { index, path, lora } of matched) {
        applied[index]!.push({ lora, scale });
        used.push({ name, path, scale, transformer: index + 1, ...lora.counts });
      }
    }
    return { applied, used };
  }

  /**
   * Opens a request's LoRAs: matches them, and hashes their files.
   *
   * @throws RequestError that names a LoRA whose files cannot be used
   */
  async open(request: Pick<ResolvedRequest, "loras">): Promise<OpenedLoras> {
    const { applied, used } = await this.match(request, unusable);
    const hashed = [];
    for (const { path, ...told } of used) {
      const sha256 = await this.#once(path, "hashed", () => sha256Of(path));
      hashed.push({ ...told, file: basename(path), sha256 });
    }
    const key = JSON.stringify(hashed.map(({ sha256, scale, transformer }) => [sha256, scale, transformer]));
    return { key, applied, used: hashed };
  }

  /** Returns the files of a LoRA with the indices of the transformers that they change. */
  async #filesFor(lora: RequestedLora): Promise<readonly (readonly [index: number, path: string])[]> {
    const files = await loraFiles(lora.file ?? listedPath(this.#folder, lora.name));
    const indices = [...this.#transformers.keys()].filter(
      (index) => lora.transformer === undefined || lora.transformer === index + 1,
    );
    if ("all" in files) return indices.map((index) => [index, files.all]);
    if (this.#transformers.length === 2) return indices.map((index) => [index, files.each[index]!]);
    throw new RequestError(
      `The LoRA ${lora.name} is a folder with files for two transformers, and this model has one.`,
      { field: "loras" },
    );
  }

  /** Matches one LoRA to the transformers that it changes. */
  async #matched(requested: RequestedLora) {
    const matched: { readonly index: number; readonly path: string; readonly lora: Lora }[] = [];
    for (const [index, path] of await this.#filesFor(requested)) {
      const lora = await this.#once(path, `matched ${index}`, () => this.#readLora(path, index));
      matched.push({ index, path, lora });
    }
    return matched;
  }

  #readLora(path: string, index: number): Promise<Lora> {
    const part = this.#transformers[index]!;
    return readLora(path, { weights: part.weights, naming: loraNaming(part) });
  }

  /** Does `work` on a file unless it was done before and the file has not changed since. */
  async #once<R>(path: string, what: string, work: () => Promise<R>): Promise<R> {
    const { size, mtimeMs } = await stat(path).catch((cause) => {
      throw CheckpointError.from(path, cause);
    });
    const key = JSON.stringify([path, size, mtimeMs, what]);
    if (!this.#known.has(key)) this.#known.set(key, await work());
    return this.#known.get(key) as R;
  }
}

/** Names the LoRA in an error about its files. Paths are told to those alone who gave them. */
function unusable(cause: Error, { name, file }: RequestedLora): Error {
  if (!(cause instanceof CheckpointError)) return cause;
  const what = file === undefined ? `The LoRA ${name} cannot be used: ${cause.reason}` : cause.message;
  return new RequestError(`${what}.`, { field: "loras", cause });
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk);
  return hash.digest("hex");
}
