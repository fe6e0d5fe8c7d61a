/** A generation that its caller cancelled. */
export class CancelledError extends Error {
  override readonly name = "CancelledError";

  constructor() {
    super("The generation was cancelled.");
  }
}

/** Cause of a failed generation, as far as callers treat causes differently. */
export type GenerationFault =
  /** The files of the model are missing, damaged or not what they should be. */
  | "bad_files"
  /** A stage gave numbers that are not finite. */
  | "invalid_output"
  /** The process was killed from outside, most likely because memory ran out. */
  | "killed"
  /** The process hung, and was killed by its parent. */
  | "stalled"
  /** The GPU was lost, or is not there any more; another process or machine may have one. */
  | "device_lost";

/** A failure of the model or of the process that runs it. The message is one sentence. */
export class GenerationError extends Error {
  override readonly name = "GenerationError";
  /** Null for causes that callers need not tell apart. */
  readonly fault: GenerationFault | null;

  constructor(
    message: string,
    { fault, ...options }: ErrorOptions & { fault?: GenerationFault | null } = {},
  ) {
    super(message, options);
    this.fault = fault ?? null;
  }
}
