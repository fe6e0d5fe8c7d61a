/** Refusal of the service, or a fault of it. `message` is its sentence for people, and `code` is for programs. */
export class AdareelError extends Error {
  override readonly name = "AdareelError";
  /** HTTP status. */
  readonly status: number;
  /** `invalid_value`, `queue_full` and so on; null if the answer came from something in between. */
  readonly code: string | null;
  /** Field of the request that was refused. */
  readonly param: string | null;
  /** Id by which the operator finds the request. */
  readonly requestId: string | null;

  constructor(message: string, { status, code = null, param = null, requestId = null }: AdareelErrorOptions) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = param;
    this.requestId = requestId;
  }
}

export interface AdareelErrorOptions {
  readonly status: number;
  readonly code?: string | null;
  readonly param?: string | null;
  readonly requestId?: string | null;
}

interface Problem {
  readonly detail?: string;
  readonly error?: { readonly message?: string; readonly code?: string; readonly param?: string | null };
}

/** Makes the error of an answer whose status is not 2xx. */
export async function errorOf(answer: Response): Promise<AdareelError> {
  const text = await answer.text();
  const { detail, error } = problemIn(text);
  const message = error?.message ?? detail ?? `The service answered ${answer.status}: ${text.slice(0, 200)}`;
  return new AdareelError(message, {
    status: answer.status,
    code: error?.code ?? null,
    param: error?.param ?? null,
    requestId: answer.headers.get("x-request-id"),
  });
}

/** Returns the problem in a body; a proxy in between may have answered in another format. */
function problemIn(text: string): Problem {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? body : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}
