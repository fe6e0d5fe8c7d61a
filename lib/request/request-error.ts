import type { GenerationRequest } from "./request.ts";

/** The request cannot be met as it was made; the message is one sentence: what is wrong, and what to do. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  /** What of the request is to blame; null where it was not told, as after a way between processes. */
  readonly field: keyof GenerationRequest | null;

  constructor(message: string, { field, ...options }: RequestErrorOptions = {}) {
    super(message, options);
    this.field = field ?? null;
  }
}

export interface RequestErrorOptions extends ErrorOptions {
  readonly field?: keyof GenerationRequest;
}
