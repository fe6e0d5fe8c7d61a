/** A model file or folder that cannot be used; one sentence that begins with its path. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";

  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path}: ${reason}`, options);
  }

  /** Says why the system did not let `path` be read; an error that is clear already stays as it is. */
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
