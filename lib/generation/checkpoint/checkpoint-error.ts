import { cut } from "../../shared/sentences/index.ts";

/** Limit of the length of a reason: whatever a file holds, its error is read on a terminal and kept in records. */
const REASON_CHARACTERS_MAX = 400;

/** Limit of the length of a tensor's name in a reason: names of real models are shorter. */
export const TENSOR_NAME_MAX = 120;

/** Error for a model file or folder that cannot be used. The message is one sentence that begins with its path. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
  /** Rest of the sentence, for messages that must not tell the path. */
  readonly reason: string;

  constructor(path: string, reason: string, options?: ErrorOptions) {
    const told = cut(reason, REASON_CHARACTERS_MAX);
    super(`${path}: ${told}`, options);
    this.reason = told;
  }

  /** Wraps a system error on reading `path`. A `CheckpointError` is returned as it is. */
  static from(path: string, cause: unknown): CheckpointError {
    if (cause instanceof CheckpointError) return cause;
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    return new CheckpointError(
      path,
      code === "ENOENT" ? "no such file or folder" : `cannot be read (${code})`,
      {
        cause,
      },
    );
  }
}
