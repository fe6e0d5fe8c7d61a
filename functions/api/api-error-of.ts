import { HTTPException } from "hono/http-exception";
import { SecretError } from "../../lib/service/keys/index.ts";
import { RecordError, StoreError } from "../../lib/service/storage/index.ts";
import { ApiError } from "./problem.ts";

/** Returns the error that a client is told of; what is unknown is an internal error. */
export function apiErrorOf(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof StoreError) {
    return new ApiError("storage_unavailable", error.message, {
      headers: { "retry-after": "2" },
      cause: error,
    });
  }
  if (error instanceof SecretError) {
    const what =
      "The secret of this trigger cannot be opened: replace it, or ask the operator for the master key.";
    return new ApiError("secret_unavailable", what, { headers: { "retry-after": "600" }, cause: error });
  }
  if (error instanceof RecordError) {
    const what = "What is stored under this id cannot be read: delete it, or ask the operator to restore it.";
    return new ApiError("record_damaged", what, { cause: error });
  }
  if (error instanceof HTTPException && error.status < 500) {
    return new ApiError("invalid_value", error.message, { cause: error });
  }
  return new ApiError("internal_error", "Something failed.", { cause: error });
}
