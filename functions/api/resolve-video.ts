import {
  type AskedRequest,
  RequestError,
  type ResolvedRequest,
  resolveRequest,
  seedOf,
} from "../../lib/generation/request/index.ts";
import type { Random } from "../../lib/shared/ports.ts";
import { oneOf } from "../../lib/shared/sentences/index.ts";
import type { ModelCard, RequestLimits } from "./env.ts";
import { askedName } from "./picture-fields.ts";
import { ApiError } from "./problem.ts";

export interface Resolving {
  readonly models: readonly [ModelCard, ...ModelCard[]];
  readonly limits: RequestLimits;
  readonly random: Random;
}

/**
 * Fills in every default of a request, and draws its seed if it has none.
 *
 * @throws ApiError that names the value which the model or the deployment does not support
 */
export function resolveVideo(asked: AskedRequest, { models, limits, random }: Resolving): ResolvedRequest {
  const model = modelOf(models, asked.model);
  const seed = seedOf(asked, () => drawSeed(random));
  const target = { model: model.name, limits: model.limits };
  const request = checked(() => resolveRequest({ ...asked, seed }, target));
  const { width, height, frames, steps, compare } = request;
  const pixelSteps = width * height * frames * steps * (compare ? 2 : 1);
  if (pixelSteps > limits.pixelStepsMax) {
    throw new ApiError(
      "invalid_value",
      `size, frames and steps come to ${pixelSteps} pixel steps; this deployment allows ${limits.pixelStepsMax}.`,
      { param: "size" },
    );
  }
  return request;
}

function modelOf(models: readonly [ModelCard, ...ModelCard[]], name: string | undefined): ModelCard {
  const model = name === undefined ? models[0] : models.find((card) => card.name === name);
  if (model) return model;
  const names = oneOf(models.map((card) => card.name));
  throw new ApiError("invalid_value", `This deployment has no such model: choose ${names}.`, {
    param: "model",
  });
}

/** Draws a seed of 32 bits, the size that other services use. It is short enough to write down. */
export function drawSeed(random: Random): number {
  return Buffer.from(random(4)).readUInt32BE();
}

function checked<R>(resolve: () => R): R {
  try {
    return resolve();
  } catch (cause) {
    if (!(cause instanceof RequestError)) throw cause;
    throw new ApiError("invalid_value", cause.message, {
      param: cause.field === null ? undefined : askedName(cause.field),
      cause,
    });
  }
}
