import { KeptSecretsError } from "../../lib/service/keys/index.ts";
import { ApiError } from "./problem.ts";

/** Resolves to what a rotation does. Refuses one that would break the promise of an earlier one, with its sentence. */
export async function orRefused<T>(rotation: Promise<T>): Promise<T> {
  try {
    return await rotation;
  } catch (error) {
    if (!(error instanceof KeptSecretsError)) throw error;
    throw new ApiError("invalid_value", error.message, { param: "keep_old_secret_active_for_24_hours" });
  }
}
