import { lateWeights } from "./late-casts.ts";
import type { Initializer, Model, TypedName } from "./model-proto.ts";
import { elementCount } from "./shape.ts";
import { dataTypes } from "./types.ts";

/**
 * Returns the bytes of weights that an open session holds: of weights that it computes with when it opens, such as
 * copies in another type, those of the result, of any other those that are stored.
 */
export function weightBytes(model: Model): number {
  return [...heldWeights(model).values()].reduce(
    (sum, { dtype, shape }) => sum + dataTypes[dtype].bytes * elementCount(shape),
    0,
  );
}

/**
 * Returns the bytes that the weights which a session can map would have in float32. It can map weights stored in
 * float32 or 8-bit integers that it reads as they are, and weights that are cast late.
 */
export function mappableBytes(model: Model, { castsLate }: { readonly castsLate: boolean }): number {
  const held = heldWeights(model);
  const stored = externalWeights(model).filter(
    ({ name, dtype }) => held.has(name) && (dtype === "float32" || dtype === "int8"),
  );
  return [...stored, ...(castsLate ? lateWeights(model) : [])].reduce(
    (sum, { shape }) => sum + dataTypes.float32.bytes * elementCount(shape),
    0,
  );
}

function externalWeights({ initializers }: Model): Initializer[] {
  return initializers.filter(({ source }) => "external" in source);
}

/**
 * Returns the tensors made of weights that are read when the graph runs, by name. The runtime computes nodes whose
 * inputs are all constant when it opens a model.
 */
function heldWeights(model: Model): Map<string, TypedName> {
  const weights = new Map<string, TypedName>(externalWeights(model).map((tensor) => [tensor.name, tensor]));
  const constants = new Set(model.initializers.map(({ name }) => name));
  const results = new Set(model.outputs.map(({ name }) => name));
  const held = new Map<string, TypedName>();
  for (const { inputs, outputs } of model.nodes) {
    const read = inputs.flatMap((name) => weights.get(name) ?? []);
    const isResult = outputs.some(({ name }) => results.has(name));
    if (!isResult && inputs.every((name) => name === "" || constants.has(name))) {
      for (const output of outputs) {
        constants.add(output.name);
        if (read.length > 0) weights.set(output.name, output);
      }
    } else {
      for (const weight of read) held.set(weight.name, weight);
    }
  }
  return held;
}
