/** What of a request can be to blame; `width` stands for the size. */
export type RequestField =
  | "prompt"
  | "seed"
  | "steps"
  | "guidanceScale"
  | "width"
  | "frames"
  | "fps"
  | "cache";

/** The request cannot be met as it was made; the message is one sentence: what is wrong, and what to do. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  /** Null where it was not told, as after a way between processes. */
  readonly field: RequestField | null;

  constructor(message: string, { field, ...options }: ErrorOptions & { field?: RequestField } = {}) {
    super(message, options);
    this.field = field ?? null;
  }
}
